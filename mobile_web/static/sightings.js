// Which codes in the pictures are new to a person who looks. Pure: neither camera nor verdict.

import { readCode } from "./pass_code.js"
import { grouped, isWhole, looksSigned, meant, passOf } from "./short_code.js"

// A code that stays in view, or is back sooner, is the same sighting.
const AGAIN_MS = 3_000
// A Code 128 waits for its pass's QR, which says more, and for an equal read: misreads were seen.
const HOLD_MS = 500
const EQUAL_READS = 2
// For as long pictures may miss a code.
const LINGER_MS = 450
const SIGHTINGS_MAX = 200

export class Sightings {
  #seen = new Map() // by text

  // Answers { fresh, inView }: sightings { text, format, corners, kind }, the kind set by who tells a fresh one.
  see(codes, at) {
    this.#forgetOld(at)
    for (const code of codes) this.#note(code, at)
    const seen = [...this.#seen.values()]
    const fresh = seen.filter((one) => this.#isDue(one, at))
    for (const one of fresh) one.isTold = true
    const inView = seen.filter((one) => at - one.lastAt <= LINGER_MS && (one.isQr || !this.#twin(one)))
    return { fresh, inView }
  }

  // What became of a sighting since it was told.
  mark(text, kind) {
    const one = this.#seen.get(text)
    if (!one) return
    for (const marked of [one, this.#twin(one)]) if (marked) marked.kind = kind
  }

  // What is in view is told anew: it may now mean something else.
  forget() {
    this.#seen.clear()
  }

  #note({ text: read, format, corners }, at) {
    const isQr = format === "QRCode"
    const short = meant(read)
    // Code 128 is on every parcel: ours alone have a short code's shape and check character.
    if (!isQr && !isWhole(short)) return
    const text = isQr ? read : grouped(short)
    const one = this.#seen.get(text) ?? { text, format, isQr, firstAt: at, reads: 0 }
    one.pass ??= nameOf(isQr ? readCode(text).pass : passOf(short))
    if (one.lastAt !== at) one.reads += 1
    this.#seen.set(text, Object.assign(one, { corners, lastAt: at }))
  }

  #isDue(one, at) {
    const twin = this.#twin(one)
    if (one.isQr && twin?.isTold) Object.assign(one, { isTold: true, kind: twin.kind })
    if (one.isTold) return false
    return one.isQr || (!twin && one.reads >= EQUAL_READS && at - one.firstAt >= HOLD_MS)
  }

  // The same pass by its other code. Two QRs are never twins: one of them may be forged.
  #twin({ pass, isQr }) {
    return pass && [...this.#seen.values()].find((other) => other.pass === pass && other.isQr !== isQr)
  }

  // What is nobody's pass is told once: it hangs on the wall.
  #forgetOld(at) {
    for (const [text, { lastAt, isQr }] of this.#seen) {
      const isPass = !isQr || looksSigned(text)
      if ((isPass && at - lastAt > AGAIN_MS) || this.#seen.size > SIGHTINGS_MAX) this.#seen.delete(text)
    }
  }
}

function nameOf(pass) {
  return pass ? `${pass.booklet}/${pass.number}` : ""
}
