// What this device scanned, written down in the browser before anything is sent or shown. No network here.
// An attempt waits until the server has told its verdict; then its code, which is money, is forgotten.

import { HOUR_MS } from "./clock.js"
import { WAITING_MAX } from "./limits.js"
import { CannotKeep } from "./store.js"

export { CannotKeep }

const KEPT_MS = 12 * HOUR_MS

// Event "change": the attempts are others now. `attempts()` is what the disk holds, kept at hand.
export class Journal extends EventTarget {
  #store
  #owner
  #attempts = []
  #unsaved = new Map() // settled, and the browser refused to write it down: it will be sent and told again
  #otherTabs

  // A journal for each person: what one scanned is never sent in another's name.
  static async open(store, device) {
    const journal = new Journal(store, ownerOf(device))
    await journal.reload()
    await journal.#dropOld()
    return journal
  }

  constructor(store, owner) {
    super()
    this.#store = store
    this.#owner = owner
    this.#otherTabs = new BroadcastChannel(`poincon/${owner}`)
    // Should that fail, what is at hand still holds.
    this.#otherTabs.onmessage = () => this.reload().catch(() => {})
  }

  // Oldest first.
  attempts() {
    return [...this.#attempts]
  }

  waiting() {
    return this.#attempts.filter(isWaiting)
  }

  // Whether the browser is still the device of the person who scanned these.
  async isOurs() {
    const fact = await this.#store.read("facts", (facts) => facts.get("device"))
    return Boolean(fact?.device) && ownerOf(fact.device) === this.#owner
  }

  async reload() {
    const kept = await this.#store.read("attempts", (attempts) => attempts.index("owner").getAll(this.#owner))
    this.#show(kept.map((attempt) => this.#unsaved.get(attempt.attemptId) ?? attempt))
  }

  // Resolves once durable. A code that already waits is left out: the same paper was shown twice.
  async add(attempts) {
    const waiting = this.waiting()
    const known = new Set(waiting.map(({ code }) => code))
    const added = attempts.filter((attempt) => !known.has(attempt.code))
    if (waiting.length + added.filter(isWaiting).length > WAITING_MAX) throw new CannotKeep("too-many")
    const written = added.map((attempt) => ({ ...attempt, owner: this.#owner }))
    await this.#store.write("attempts", (kept) => {
      for (const attempt of written) kept.put(attempt)
    })
    this.#show([...this.#attempts, ...written])
    this.#tellOtherTabs()
    this.#store.askToPersist()
  }

  async settle(attemptId, outcome) {
    const [settled] = await this.settleAll([[attemptId, outcome]])
    return settled
  }

  // Answers the attempts as they now stand. Another tab may have settled one and cleared the list since.
  async settleAll(outcomes) {
    const outcomeOf = new Map(outcomes)
    const known = this.#attempts.filter(({ attemptId }) => outcomeOf.has(attemptId))
    const settled = known.map(({ code, ...attempt }) => ({ ...attempt, ...outcomeOf.get(attempt.attemptId) }))
    const now = new Map(settled.map((attempt) => [attempt.attemptId, attempt]))
    await this.#keepSettled(settled, now)
    this.#show(this.#attempts.map((attempt) => now.get(attempt.attemptId) ?? attempt))
    this.#tellOtherTabs()
    return outcomes.map(([attemptId, outcome]) => now.get(attemptId) ?? { attemptId, ...outcome })
  }

  async startAfresh() {
    await this.#drop((attempt) => !isWaiting(attempt))
  }

  // Who else scanned on this phone and still has passes that wait: [name, count].
  async waitingOfOthers() {
    const all = await this.#store.read("attempts", (attempts) => attempts.getAll())
    const counts = new Map()
    for (const { owner } of all.filter((one) => isWaiting(one) && one.owner !== this.#owner)) {
      const name = owner.slice(owner.indexOf("/") + 1)
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    return [...counts]
  }

  // The verdict stands whether or not the browser could write it down: a resend will be told the same.
  async #keepSettled(settled, now) {
    try {
      await this.#store.write("attempts", (kept) => {
        for (const attempt of settled) kept.put(attempt)
      })
    } catch (error) {
      if (!(error instanceof CannotKeep)) throw error
      for (const [attemptId, attempt] of now) this.#unsaved.set(attemptId, attempt)
    }
  }

  #dropOld() {
    const oldest = Date.now() - KEPT_MS
    const isOld = (attempt) => !isWaiting(attempt) && Date.parse(attempt.scannedAt) < oldest
    // A full browser may refuse even that: another time, then.
    return this.#drop(isOld).catch(() => {})
  }

  async #drop(isDropped) {
    const dropped = this.#attempts.filter(isDropped)
    if (dropped.length === 0) return
    await this.#store.write("attempts", (kept) => {
      for (const { attemptId } of dropped) kept.delete(attemptId)
    })
    const gone = new Set(dropped.map(({ attemptId }) => attemptId))
    this.#show(this.#attempts.filter(({ attemptId }) => !gone.has(attemptId)))
    this.#tellOtherTabs()
  }

  #show(attempts) {
    this.#attempts = attempts
    this.dispatchEvent(new Event("change"))
  }

  #tellOtherTabs() {
    this.#otherTabs.postMessage("change")
  }
}

export function ownerOf(device) {
  return `${device.siret}/${device.mediator}`
}

function isWaiting(attempt) {
  return attempt.state === "waiting"
}
