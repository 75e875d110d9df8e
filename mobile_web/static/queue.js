// Sends what waits in the journal, with the same attempt ids, until the server has told each verdict.

import { NoAnswer, Problem, post } from "./calls.js"
import { CannotKeep } from "./journal.js"
import { alone } from "./one_tab.js"
import { looksSigned } from "./short_code.js"

const BATCH_MAX = 100
const RETRY_FIRST_MS = 1_000
const RETRY_LAST_MS = 30_000
// Smaller than this, a difference is how roughly a clock is measured; larger, somebody has set it since.
const CLOCK_MOVED_MS = 10_000
// The request itself is at fault, says our own server. Anything else may be something on the way, and passes.
const AT_FAULT = new Set([400, 409, 413, 422])

// Events: "verdicts" (detail: the attempts just settled), "state" (see `trouble`), "unknown-device".
export class Queue extends EventTarget {
  trouble = null // null while all goes well; else "no-answer", "unavailable" or "too-many"
  #journal
  #clock
  #failures = 0
  #isSending = false
  #timer

  constructor(journal, clock) {
    super()
    this.#journal = journal
    this.#clock = clock
    addEventListener("online", () => this.send())
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) clearTimeout(this.#timer)
      else this.send()
    })
  }

  // At once. Calls while it sends do nothing: what was added meanwhile leaves in the same run.
  async send() {
    if (this.#isSending) return
    this.#isSending = true
    clearTimeout(this.#timer)
    this.#planRetry(this.#journal.waiting().length ? await this.#sendAlone() : null)
    this.#isSending = false
  }

  // One tab at a time; were there two, the ids would still make one scan of each.
  async #sendAlone() {
    try {
      return await alone(async () => {
        await this.#journal.reload()
        return (await this.#journal.isOurs()) ? this.#sendAll() : null
      })
    } catch (error) {
      // Without storage nobody can tell whose passes these are. And a mistake of ours must not stop the queue for good.
      if (!(error instanceof CannotKeep)) reportError(error)
      return error
    }
  }

  // Answers the failure that a later try may mend, or null once nothing waits or nobody looks.
  async #sendAll() {
    for (;;) {
      const batch = nextBatch(this.#journal.waiting())
      if (batch.length === 0) return null
      const failure = await this.#sendBatch(batch)
      if (failure || document.hidden) return failure
    }
  }

  async #sendBatch(batch) {
    try {
      const scans = batch.map((attempt) => this.#asSent(attempt))
      const body = await post("/v1/scans/batch", { scans, sent_at: new Date() })
      if (!Array.isArray(body?.verdicts)) throw new NoAnswer("what came back is not ours")
      await this.#settle(batch, body.verdicts)
      return null
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
      if (!AT_FAULT.has(error.status)) return error
      return batch.length > 1 ? this.#sendSingly(batch) : this.#giveBack(batch, error)
    }
  }

  // Of many, one is at fault: the others must not suffer for it.
  async #sendSingly(batch) {
    for (const attempt of batch) {
      const failure = await this.#sendBatch([attempt])
      if (failure) return failure
    }
    return null
  }

  async #settle(batch, verdicts) {
    const verdictOf = new Map(verdicts.map((verdict) => [verdict?.attempt_id, verdict]))
    const outcomes = batch.map(({ attemptId }) => [attemptId, outcome(verdictOf.get(attemptId))])
    await this.#tell(outcomes.filter(([, told]) => told))
    const later = verdicts.filter((verdict) => verdict?.verdict === "not_judged")
    if (later.length > 0) {
      throw new Problem(429, "", 1000 * Math.max(...later.map((verdict) => verdict.retry_after_seconds)))
    }
    if (outcomes.some(([, told]) => !told)) throw new NoAnswer("a verdict is missing")
  }

  // The server refuses to look at the request itself: nothing was taken, and a resend would change nothing.
  async #giveBack([{ attemptId }], problem) {
    await this.#tell([[attemptId, { state: "unclear", why: "malformed", message: problem.message }]])
    return null
  }

  async #tell(outcomes) {
    if (outcomes.length === 0) return
    const settled = await this.#journal.settleAll(outcomes)
    this.dispatchEvent(new CustomEvent("verdicts", { detail: settled }))
  }

  #planRetry(failure) {
    this.#failures = failure ? this.#failures + 1 : 0
    this.trouble = failure && nameOf(failure)
    if (failure?.isUnknownDevice) this.dispatchEvent(new Event("unknown-device"))
    else if (this.#journal.waiting().length > 0 && !document.hidden) this.#sendAgainIn(failure?.retryAfterMs ?? 0)
    this.dispatchEvent(new Event("state"))
  }

  // Chance keeps the phones of a whole room from coming back in the same instant.
  #sendAgainIn(askedMs) {
    const backoffMs = Math.min(RETRY_LAST_MS, RETRY_FIRST_MS * 2 ** Math.max(0, this.#failures - 1))
    this.#timer = setTimeout(() => this.send(), Math.max(backoffMs, askedMs) * (1 + Math.random() / 4))
  }

  // Both times are by one clock; where it was set meanwhile, sent_at is what it would have shown.
  #asSent(attempt) {
    const { attemptId: attempt_id, code, service, scannedAt: scanned_at, skewMs } = attempt
    const scan = { attempt_id, code, service, scanned_at }
    const movedMs = skewMs === null || this.#clock.skewMs === null ? 0 : this.#clock.skewMs - skewMs
    return Math.abs(movedMs) < CLOCK_MOVED_MS ? scan : { ...scan, sent_at: new Date(Date.now() + movedMs) }
  }
}

// Typed codes travel apart: the limit on guesses, when reached, must not hold back signed ones.
function nextBatch(waiting) {
  const signed = waiting.filter((attempt) => looksSigned(attempt.code))
  return (signed.length ? signed : waiting).slice(0, BATCH_MAX)
}

// Only the word "accepted" means that money is owed; what we do not know is for a person to look at.
// Undefined where the server has not told yet.
function outcome(told) {
  if (!told) return undefined
  const { verdict, attempt_id, accepted_at: at, undone_at: undoneAt, receipt, ...rest } = told
  if (verdict === "accepted") return { state: undoneAt ? "undone" : "accepted", at, ...rest }
  if (verdict === "refused") return { state: "refused", ...rest }
  return verdict === "attempt_reused" ? { state: "unclear", why: "reused", ...rest } : undefined
}

function nameOf(failure) {
  if (failure instanceof Problem) return failure.status === 429 ? "too-many" : "unavailable"
  return "no-answer"
}
