// What a phone must know to judge by itself, kept for when there is no network: keys, cancelled booklets,
// programmes, and whose device it is.

import { Problem, get, signWith } from "./calls.js"
import { HOUR_MS } from "./clock.js"
import { alone } from "./one_tab.js"

// Older, they still verify signatures, and no longer refuse for what may have changed since.
const BELIEVED_MS = 24 * HOUR_MS
const PUBLIC = ["keyset", "revocations", "programmes"]

// Events: "change"; "device" when another tab made this browser somebody else's.
export class Facts extends EventTarget {
  keyset = null
  revocations = []
  programmes = []
  device = null // whose it was last known to be
  isRevoked = false // the server no longer knows that device
  key = null // the device's own, if it was enrolled with one
  #store
  #fetchedAt = null
  #otherTabs = new BroadcastChannel("poincon/device")

  static async open(store) {
    const facts = new Facts(store)
    for (const fact of await store.read("facts", (kept) => kept.getAll())) facts.#learn(fact)
    return facts
  }

  constructor(store) {
    super()
    this.#store = store
    this.#otherTabs.onmessage = () => this.dispatchEvent(new Event("device"))
  }

  // Null where they never came. A clock set back makes them of unknown age: as old as can be.
  get ageMs() {
    if (this.#fetchedAt === null) return null
    const age = Date.now() - this.#fetchedAt
    return age < -BELIEVED_MS ? Infinity : Math.max(0, age)
  }

  get isStale() {
    return this.ageMs === null || this.ageMs > BELIEVED_MS
  }

  // Answers whether they came. All or none: of two moments they might contradict each other.
  async refresh() {
    try {
      const [keyset, { revocations }, { programmes }] = await Promise.all(PUBLIC.map((name) => get(`/v1/${name}`)))
      const areOurs = [keyset.keys, revocations, programmes].every(Array.isArray)
      if (areOurs) await this.#keep({ name: "public", keyset, revocations, programmes, fetchedAt: Date.now() })
      return areOurs
    } catch {
      return false
    }
  }

  // Asks the server whose device this is; null when nobody's. An answer from before a change must not come after it.
  whose() {
    return alone(() => this.#ask())
  }

  async #ask() {
    try {
      await this.#keepDevice({ device: await get("/v1/device"), isRevoked: false })
    } catch (error) {
      if (!(error instanceof Problem && error.isUnknownDevice)) throw error
      await this.#keepDevice({ device: this.device, isRevoked: this.device !== null })
      return null
    }
    return this.device
  }

  // While `work` makes this browser another's device, no tab sends what somebody else scanned.
  // It is given the public key to enrol with; undefined where the browser can't keep one.
  changeDevice(work, { mayKeepKey = true } = {}) {
    return alone(async () => {
      const wasNobodys = this.device === null
      const former = this.key
      await this.#keepDevice({ device: null, isRevoked: false })
      try {
        return await work(await this.#drawKey(mayKeepKey))
      } catch (error) {
        // Where only the answer was lost, it may be enrolled with the new key.
        if (!wasNobodys || error instanceof Problem) await this.#keep({ name: "key", key: former })
        throw error
      } finally {
        await this.#ask().catch(() => {})
        this.#otherTabs.postMessage("device")
      }
    })
  }

  async #drawKey(mayKeepKey) {
    try {
      if (!mayKeepKey) throw new Error("it would be forgotten")
      const { newDeviceKey } = await import("./device_key.js")
      const { privateKey, publicKey } = await newDeviceKey()
      await this.#store.write("facts", (kept) => kept.put({ name: "key", key: privateKey }))
      this.#learn({ name: "key", key: privateKey })
      return publicKey
    } catch {
      await this.#keep({ name: "key", key: null })
    }
  }

  #keepDevice(fact) {
    return this.#keep({ name: "device", ...fact })
  }

  // What can't be written down is known all the same until the page closes.
  async #keep(fact) {
    this.#learn(fact)
    this.dispatchEvent(new Event("change"))
    await this.#store.write("facts", (kept) => kept.put(fact)).catch(() => {})
  }

  #learn({ name, fetchedAt, ...known }) {
    if (name === "public") this.#fetchedAt = fetchedAt
    if (name === "key") signWith(known.key)
    Object.assign(this, known)
  }
}
