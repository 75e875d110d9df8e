// The worker that reads pictures: started early, given one at a time, started again when it dies.

import { workerAddress } from "./addresses.js"

const ANSWER_MS_MAX = 10_000
const RESTART_MS = 1_000
const RESTART_MS_MAX = 30_000

// Events "lost" and "back". `ready` is a promise, another one after each loss.
export class Decoder extends EventTarget {
  #worker
  #tellReady
  #answer
  #turn = Promise.resolve()
  #deadline
  #restartMs = RESTART_MS
  #isReady = true
  #isLost = false

  constructor() {
    super()
    this.#expect()
    this.#start()
  }

  // Answers the codes in the picture, which is used up; none when the worker dies over it.
  read(picture, isThorough) {
    return (this.#turn = this.#turn.then(() => this.#read(picture, isThorough)))
  }

  async #read(picture, isThorough) {
    await this.ready
    return new Promise((resolve) => {
      this.#answer = resolve
      this.#deadline = setTimeout(() => this.#lose(), ANSWER_MS_MAX)
      this.#worker.postMessage({ picture, isThorough }, [picture])
    })
  }

  // Who waits already goes on waiting for the same promise.
  #expect() {
    if (this.#isReady) this.ready = new Promise((resolve) => (this.#tellReady = resolve))
    this.#isReady = false
  }

  #start() {
    this.#worker = new Worker(workerAddress("/page/decode_worker.js"), { type: "module" })
    this.#worker.onerror = () => this.#lose()
    this.#worker.onmessage = ({ data }) => {
      if (data === "broken") return this.#lose()
      if (data !== "ready") return this.#settle(data)
      this.#isReady = true
      this.#tellReady()
      if (this.#isLost) this.dispatchEvent(new Event("back"))
      this.#isLost = false
    }
  }

  #settle(codes) {
    clearTimeout(this.#deadline)
    this.#restartMs = RESTART_MS
    this.#answer?.(codes)
  }

  #lose() {
    const waitMs = this.#restartMs
    this.#worker.onmessage = this.#worker.onerror = null
    this.#worker.terminate()
    this.#expect()
    this.#settle([])
    this.#restartMs = Math.min(waitMs * 2, RESTART_MS_MAX)
    setTimeout(() => this.#start(), waitMs)
    this.#isLost = true
    this.dispatchEvent(new Event("lost"))
  }
}
