// Asks what a scan would be told now. Takes nothing, is never retried by itself and never written down.

import { newAttemptId } from "./attempt.js"
import { NoAnswer, Problem, post } from "./calls.js"

// Answers the code with a state: acceptable, refusable or untested.
export async function checkPass(code, service) {
  const now = Date.now()
  const tested = { attemptId: newAttemptId(now), scannedAt: new Date(now).toISOString(), code }
  try {
    const { verdict, ...rest } = await post("/v1/checks", { code, service })
    return { ...tested, ...rest, state: verdict === "acceptable" ? "acceptable" : "refusable" }
  } catch (error) {
    if (error instanceof NoAnswer) return { ...tested, state: "untested", why: "no-answer" }
    if (!(error instanceof Problem)) throw error
    return { ...tested, state: "untested", why: error.status === 429 ? "too-many" : "unavailable" }
  }
}

// One answer for each pass: its QR and its Code 128 are the same one.
export async function checkEach(codes, service) {
  const checked = await Promise.all(codes.map((code) => checkPass(code, service)))
  const seen = new Set()
  return checked.filter(({ pass }) => {
    const name = pass && `${pass.booklet}/${pass.number}`
    if (name && seen.has(name)) return false
    seen.add(name)
    return true
  })
}
