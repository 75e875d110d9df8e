// Sends what waits in the journal, with the same attempt ids, until the server has told each verdict.

import { NoAnswer, Problem, post } from "./calls.js"
import { looksSigned } from "./short_code.js"

const BATCH_MAX = 100
const RETRY_FIRST_MS = 1_000
const RETRY_LAST_MS = 30_000

// Events: "verdicts" (detail: the attempts just settled), "state" (see `trouble`), "unknown-device".
export class Queue extends EventTarget {
  trouble = null // null while all goes well; else "no-answer", "unavailable" or "too-many"
  #journal
  #failures = 0
  #isSending = false
  #timer

  constructor(journal) {
    super()
    this.#journal = journal
    addEventListener("online", () => this.send())
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.send()
    })
  }

  // At once. Calls while it sends do nothing: what was added meanwhile leaves in the same run.
  async send() {
    if (this.#isSending) return
    this.#isSending = true
    clearTimeout(this.#timer)
    try {
      const failure = await this.#sendAll()
      this.#planRetry(failure)
    } finally {
      this.#isSending = false
    }
  }

  // Answers the failure that a later try may mend, or null once nothing waits.
  async #sendAll() {
    for (;;) {
      const batch = nextBatch(this.#journal.waiting())
      if (batch.length === 0) return null
      const failure = await this.#sendBatch(batch)
      if (failure) return failure
    }
  }

  async #sendBatch(batch) {
    try {
      const body = await post("/v1/scans/batch", { scans: batch.map(asSent), sent_at: new Date() })
      if (!Array.isArray(body?.verdicts)) throw new NoAnswer("what came back is not ours")
      this.#settle(batch, body.verdicts)
      return null
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
      if (error instanceof NoAnswer || error.isForLater || error.isUnknownDevice) return error
      this.#giveBack(batch, error)
      return null
    }
  }

  #settle(batch, verdicts) {
    const judged = verdicts.filter(({ verdict }) => verdict !== "not_judged")
    const verdictOf = new Map(judged.map((verdict) => [verdict.attempt_id, verdict]))
    const told = batch.filter((attempt) => verdictOf.has(attempt.attemptId))
    this.#tell(told, (attempt) => outcome(verdictOf.get(attempt.attemptId)))
    if (told.length < batch.length) throw new NoAnswer("a verdict is missing")
  }

  // The server refuses to look at the request itself: nothing was taken, and a resend would change nothing.
  #giveBack(batch, problem) {
    this.#tell(batch, () => ({ state: "unclear", why: "malformed", message: problem.message }))
  }

  #tell(attempts, outcomeOf) {
    const settled = attempts.map((attempt) => this.#journal.settle(attempt.attemptId, outcomeOf(attempt)))
    if (settled.length > 0) this.dispatchEvent(new CustomEvent("verdicts", { detail: settled }))
  }

  #planRetry(failure) {
    this.#failures = failure ? this.#failures + 1 : 0
    this.trouble = failure && nameOf(failure)
    if (failure?.isUnknownDevice) this.dispatchEvent(new Event("unknown-device"))
    else if (this.#journal.waiting().length > 0) this.#sendAgainIn(failure?.retryAfterMs ?? 0)
    this.dispatchEvent(new Event("state"))
  }

  #sendAgainIn(askedMs) {
    const backoffMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.max(0, this.#failures - 1))
    this.#timer = setTimeout(() => this.send(), Math.max(backoffMs, askedMs))
  }
}

// Typed codes travel apart: the limit on guesses, when reached, must not hold back signed ones.
function nextBatch(waiting) {
  const signed = waiting.filter((attempt) => looksSigned(attempt.code))
  return (signed.length ? signed : waiting).slice(0, BATCH_MAX)
}

function asSent(attempt) {
  return {
    attempt_id: attempt.attemptId,
    code: attempt.code,
    service: attempt.service,
    scanned_at: attempt.scannedAt,
  }
}

// Only the word "accepted" means that money is owed; what we do not know is for a person to look at.
function outcome(verdict) {
  if (verdict.verdict === "accepted") {
    const state = verdict.undone_at ? "undone" : "accepted"
    return { state, pass: verdict.pass, at: verdict.accepted_at }
  }
  if (verdict.verdict === "refused") {
    const { refusal, message, pass, earlier } = verdict
    return { state: "refused", refusal, message, pass, earlier }
  }
  return { state: "unclear", why: "reused", message: verdict.message }
}

function nameOf(failure) {
  if (failure instanceof NoAnswer) return "no-answer"
  return failure.status === 429 ? "too-many" : "unavailable"
}
