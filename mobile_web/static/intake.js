// The one door for whatever was read, by camera, photo, hand or scanner: judged here, then written down to be sent.

import { newAttempt } from "./attempt.js"
import { checkPass } from "./checks.js"
import { CannotKeep } from "./journal.js"
import { judgeHere } from "./judge.js"
import { grouped, isTyped, looksSigned, meant, passOf } from "./short_code.js"

// A refused pass that comes by again so soon is the same paper; later, somebody wants it looked at anew.
const REFUSED_AGAIN_MS = 60_000

export class Intake {
  #journal
  #queue
  #facts
  #clock
  #modeOf
  #serviceOf
  #lastTaken = Promise.resolve()
  #attemptOf = new Map() // by code, of those refused since the page opened
  #practised = new Set()

  constructor({ journal, queue, facts, clock, modeOf, serviceOf }) {
    this.#journal = journal
    this.#queue = queue
    this.#facts = facts
    this.#clock = clock
    this.#modeOf = modeOf
    this.#serviceOf = serviceOf
  }

  // Answers { kind, attempt?, why? }, once what it says can no longer be lost.
  async take(text, source) {
    const [told] = await this.takeAll([{ code: text }], source)
    return told
  }

  // Answers for each code given, in their order; all are kept or none.
  takeAll(codes, source) {
    const mode = this.#modeOf()
    const service = this.#serviceOf()
    if (mode === "test") return Promise.all(codes.map(({ code }) => this.#test(code, service)))
    if (mode === "training") return Promise.all(codes.map(({ code }) => this.#practise(code, source)))
    if (!service) return Promise.resolve(codes.map(() => ({ kind: "no-service" })))
    // One after the other: the two codes of one pass, in one picture, are one pass.
    const taken = this.#lastTaken.then(() => this.#takeNow(codes, service, source))
    this.#lastTaken = taken.catch(() => {})
    return taken
  }

  async #takeNow(codes, service, source) {
    const told = []
    for (const one of codes) told.push(await this.#prepare(one, { service, source, told }))
    const kept = told.filter(({ kind }) => kind === "waiting" || kind === "refused")
    try {
      if (kept.length > 0) await this.#journal.add(kept.map(({ attempt }) => attempt))
    } catch (error) {
      if (!(error instanceof CannotKeep)) throw error
      return told.map((one) => (one.kind === "waiting" ? { kind: "cannot-keep", why: error.why } : one))
    }
    this.#queue.send()
    return told
  }

  async #prepare({ code: text, pass: known }, { service, source, told }) {
    const code = codeIn(text)
    if (!code) return { kind: "not-a-pass" }
    const judged = await this.#judge(code)
    if (judged.state === "practice") return { kind: "practice-refused" }
    const pass = judged.pass ?? known
    const earlier = this.#earlier({ code, pass, service, source }, told)
    if (earlier) return { kind: "again", attempt: earlier }

    const attempt = newAttempt({ code, pass, service, source, skewMs: this.#clock.skewMs })
    this.#attemptOf.set(code, attempt.attemptId)
    if (judged.state !== "refused") return { kind: "waiting", attempt }
    const { code: forgotten, ...rest } = attempt
    return { kind: "refused", attempt: { ...rest, state: "refused", refusal: judged.refusal, isLocal: true } }
  }

  // A phone that can't judge must not turn a pass away: the server will look at it.
  async #judge(code) {
    try {
      return await judgeHere(code, this.#facts, this.#clock.now())
    } catch {
      return { state: "unverifiable", why: "no-crypto" }
    }
  }

  // The attempt of this session that makes another one too many. What a person types anew though it was accepted
  // or refused is asked anew: the answer says when and where.
  #earlier({ code, pass, service, source }, told) {
    const isByHand = source === "typed"
    const name = nameOf({ code, pass })
    const recent = Date.now() - REFUSED_AGAIN_MS
    const attempts = [...this.#journal.attempts(), ...told.flatMap(({ attempt }) => attempt ?? [])]
    return attempts.find((one) => {
      if (one.state === "waiting") return nameOf(one) === name
      if (isByHand) return false
      if (one.state === "accepted") return nameOf(one) === name
      const isSame = one.attemptId === this.#attemptOf.get(code) && one.service === service
      return one.state === "refused" && isSame && Date.parse(one.scannedAt) > recent
    })
  }

  // Takes nothing. Without an answer, what this phone knows is told.
  async #test(text, service) {
    const code = codeIn(text)
    if (!code) return { kind: "not-a-pass" }
    const judged = await this.#judge(code)
    if (judged.state === "practice") return { kind: "practice-refused" }
    const tested = await checkPass(code, service)
    if (tested.state !== "untested") return { kind: "tested", attempt: tested }
    const { refusal, pass } = judged
    const known = refusal ? { state: "refusable", refusal, pass, isLocal: true } : { pass }
    return { kind: "tested", attempt: { ...tested, ...known } }
  }

  // Nothing is written down and nothing leaves the phone.
  async #practise(text, source) {
    const code = codeIn(text)
    if (!code) return { kind: "not-a-pass" }
    const { state, pass } = await this.#judge(code)
    if (state !== "practice") return { kind: "real-in-training" }
    const name = nameOf({ code, pass })
    if (this.#practised.has(name)) return { kind: "again" }
    this.#practised.add(name)
    const { code: forgotten, ...attempt } = newAttempt({ pass, source })
    return { kind: "practice", attempt: { ...attempt, state: "practice" } }
  }
}

// The code in what was read, as it is sent; null when it is nobody's pass.
function codeIn(text) {
  if (looksSigned(text)) return text.trim()
  return isTyped(text) ? grouped(meant(text)) : null
}

// The two codes of one pass have one name.
function nameOf({ code, pass }) {
  const { booklet, number } = pass ?? (code && !looksSigned(code) ? passOf(meant(code)) : {})
  return number ? `${booklet}/${number}` : code
}
