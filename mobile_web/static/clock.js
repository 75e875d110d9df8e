// How wrong the device's clock is, measured whenever the server answers.

import { onContact } from "./calls.js"

export const HOUR_MS = 3600_000
const WRONG_MS = 2 * 60_000
// The server tells whole seconds: on average half of one has passed.
const HALF_SECOND_MS = 500

// Event "change": right became wrong, or wrong right.
export class Clock extends EventTarget {
  skewMs = null // what to add to the device's clock; null until the server has answered

  constructor() {
    super()
    onContact((contact) => this.#measure(contact))
  }

  get isWrong() {
    return Math.abs(this.skewMs ?? 0) > WRONG_MS
  }

  now() {
    return Date.now() + (this.skewMs ?? 0)
  }

  #measure({ date, sentAt, receivedAt }) {
    const toldAt = Date.parse(date)
    if (Number.isNaN(toldAt)) return
    const wasWrong = this.isWrong
    this.skewMs = Math.round(toldAt + HALF_SECOND_MS - (sentAt + receivedAt) / 2)
    if (this.isWrong !== wasWrong) this.dispatchEvent(new Event("change"))
  }
}
