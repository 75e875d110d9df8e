// What a person is told of an attempt or a test: a symbol and words, so that colour is never needed.

import { words } from "./language.js"
import { looksSigned } from "./short_code.js"

const WAITS = "↻"
const GOOD = "✓"
const BAD = "✗"
const LOOK = "!"

// Answers { kind, symbol, verdict, which, why }: kind is for colours and sounds, which and why may be empty.
export function told(attempt) {
  const tell = TELL[attempt.state]
  return { kind: attempt.state, which: which(attempt), why: "", ...tell(attempt) }
}

const TELL = {
  waiting: (attempt) => ({
    symbol: WAITS,
    verdict: words.waiting(value(attempt)),
    why: attempt.pass ? words.WAITING_WHY : `${words.WAITING_WHY} ${words.TO_JUDGE_WHY}`,
  }),
  accepted: (attempt) => ({ symbol: GOOD, verdict: words.accepted(value(attempt)) }),
  undone: (attempt) => ({ symbol: "↩", verdict: words.undone(value(attempt)), why: attempt.reason }),
  refused: (attempt) => ({ symbol: BAD, verdict: words.refused(attempt.refusal), why: whyRefused(attempt) }),
  unclear: (attempt) => ({ symbol: LOOK, verdict: words.TO_VERIFY, why: words.UNCLEAR[attempt.why] }),
  acceptable: (attempt) => ({ symbol: "○", verdict: words.acceptable(value(attempt)), why: words.NOTHING_TAKEN }),
  refusable: (attempt) => ({
    symbol: BAD,
    verdict: words.wouldBeRefused(attempt.refusal),
    why: whyRefused(attempt),
  }),
  untested: (attempt) => ({ symbol: LOOK, verdict: words.NOT_TESTED, why: words.TEST_TROUBLE[attempt.why] }),
  practice: () => ({ symbol: GOOD, verdict: words.GOOD_PRACTICE, which: "", why: words.NOTHING_TAKEN }),
}

// For several verdicts at once: how many of each, the worst one giving the symbol.
export function toldTogether(attempts) {
  if (attempts.length === 1) return told(attempts[0])
  const count = (state) => attempts.filter((attempt) => attempt.state === state).length
  const states = ["accepted", "waiting", "refused", "unclear"]
  const [all] = states.filter((state) => count(state) === attempts.length)
  const verdict = words.together(...states.map(count))
  if (all === "accepted") return { kind: all, symbol: GOOD, verdict, which: "" }
  if (all === "waiting") return { kind: all, symbol: WAITS, verdict, which: "" }
  return { kind: "refused", symbol: LOOK, verdict, which: "" }
}

// What came of a text that did not become an attempt.
export function toldAtOnce(kind, attempt) {
  const isAgain = kind === "again"
  const known = isAgain && attempt ? told(attempt) : { verdict: "", which: "" }
  const detail = [known.which, known.verdict].filter(Boolean).join(" · ")
  return { kind: isAgain ? kind : "refused", symbol: isAgain ? "=" : BAD, verdict: words.AT_ONCE[kind], which: detail }
}

function whyRefused({ earlier, message }) {
  return earlier ? words.firstTaken(earlier) : (message ?? "")
}

function which({ pass, code }) {
  if (pass) return words.passName(pass)
  if (!code) return ""
  return looksSigned(code) ? words.READ_PASS : words.typedPass(code)
}

function value(attempt) {
  return attempt.pass?.face_value_cents ?? 0
}
