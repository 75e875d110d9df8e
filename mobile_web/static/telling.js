// What a person is told of an attempt or a test: a symbol and words, so that colour is never needed.

import { passName } from "./french.js"
import { looksSigned } from "./short_code.js"
import * as words from "./words.js"

// Answers { kind, symbol, verdict, which, why }: kind is for the colours, which and why may be empty.
export function told(attempt) {
  const tell = TELL[attempt.state]
  return { kind: attempt.state, which: which(attempt), why: "", ...tell(attempt) }
}

const TELL = {
  waiting: () => ({ symbol: "↻", verdict: words.WAITING }),
  accepted: (attempt) => ({ symbol: "✓", verdict: words.accepted(value(attempt)) }),
  undone: (attempt) => ({ symbol: "↩", verdict: words.undone(value(attempt)), why: attempt.reason ?? "" }),
  refused: (attempt) => ({ symbol: "✗", verdict: words.refused(attempt.refusal), why: whyRefused(attempt) }),
  unclear: (attempt) => ({ symbol: "!", verdict: words.TO_VERIFY, why: words.UNCLEAR[attempt.why] }),
  acceptable: (attempt) => ({ symbol: "○", verdict: words.acceptable(value(attempt)), why: words.NOTHING_TAKEN }),
  refusable: (attempt) => ({
    symbol: "✗",
    verdict: words.wouldBeRefused(attempt.refusal),
    why: whyRefused(attempt),
  }),
  untested: (attempt) => ({ symbol: "!", verdict: words.NOT_TESTED, why: words.TEST_TROUBLE[attempt.why] }),
}

// For several verdicts at once: how many of each, the worst one giving the symbol.
export function toldTogether(attempts) {
  if (attempts.length === 1) return told(attempts[0])
  const count = (state) => attempts.filter((attempt) => attempt.state === state).length
  const isAllAccepted = count("accepted") === attempts.length
  const verdict = words.together(count("accepted"), count("refused"), count("unclear"))
  return { kind: isAllAccepted ? "accepted" : "refused", symbol: isAllAccepted ? "✓" : "!", verdict, which: "" }
}

function whyRefused({ earlier, message }) {
  return earlier ? words.firstTaken(earlier) : (message ?? "")
}

function which({ pass, code }) {
  if (pass) return passName(pass)
  if (!code) return ""
  return looksSigned(code) ? words.READ_PASS : words.typedPass(code)
}

function value(attempt) {
  return attempt.pass.face_value_cents ?? 0
}
