// What this device scanned, written down in the browser before anything is sent. No network here.
// An attempt waits until the server has told its verdict; then its code, which is money, is forgotten.

const KEPT_MS = 12 * 3600_000
const WAITING_MAX = 200
const PREFIX = "poincon.attempts"

// Too many wait, or the browser keeps nothing: what can't be written down must not be sent.
export class CannotKeep extends Error {}

export class Journal extends EventTarget {
  #key

  // A journal for each person: what one scanned is never sent in another's name.
  constructor(device) {
    super()
    this.#key = [PREFIX, device.siret, device.mediator].join("/")
    addEventListener("storage", (event) => {
      if (event.key === this.#key) this.#tell()
    })
  }

  // Oldest first.
  attempts() {
    return read(this.#key)
  }

  waiting() {
    return this.attempts().filter(isWaiting)
  }

  // A code that already waits is left out: the same paper was shown twice.
  add(attempts) {
    const waiting = this.waiting()
    const known = new Set(waiting.map((attempt) => attempt.code))
    const added = attempts.filter((attempt) => !known.has(attempt.code))
    if (waiting.length + added.length > WAITING_MAX) throw new CannotKeep()
    this.#write([...this.attempts(), ...added])
  }

  // Answers the attempt as it now stands. Another tab may have settled it and cleared the list since.
  settle(attemptId, outcome) {
    const attempts = this.attempts()
    const { code, ...attempt } = attempts.find((one) => one.attemptId === attemptId) ?? { attemptId }
    const settled = { ...attempt, ...outcome }
    this.#write(attempts.map((one) => (one.attemptId === attemptId ? settled : one)))
    return settled
  }

  startAfresh() {
    this.#write(this.waiting())
  }

  dropOld(now = Date.now()) {
    const isRecent = (attempt) => now - Date.parse(attempt.scannedAt) < KEPT_MS
    this.#write(this.attempts().filter((attempt) => isWaiting(attempt) || isRecent(attempt)))
  }

  // Who else scanned on this phone and still has passes that wait: [name, count].
  waitingOfOthers() {
    return Object.keys(localStorage)
      .filter((key) => key.startsWith(`${PREFIX}/`) && key !== this.#key)
      .map((key) => [key.split("/").at(-1), read(key).filter(isWaiting).length])
      .filter(([, count]) => count > 0)
  }

  #write(attempts) {
    try {
      localStorage.setItem(this.#key, JSON.stringify(attempts))
    } catch (error) {
      throw new CannotKeep("the browser refuses to keep it", { cause: error })
    }
    this.#tell()
  }

  #tell() {
    this.dispatchEvent(new Event("change"))
  }
}

function read(key) {
  return JSON.parse(localStorage.getItem(key) ?? "[]")
}

function isWaiting(attempt) {
  return attempt.state === "waiting"
}
