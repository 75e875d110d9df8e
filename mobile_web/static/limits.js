// How much may wait on a phone, and for how long: what is lost with a lost phone stays small.

import { HOUR_MS } from "./clock.js"

export const WAITING_MAX = 500
export const WAITING_WARN = 400
// Later than this the server answers "too late", and the trustee decides.
export const AGE_MAX_H = 72
export const AGE_WARN_H = 48

// Answers null, or what to say before or once a limit bites. `now` is by the device's own clock.
export function warningOf(journal, now = Date.now()) {
  const waiting = journal.waiting()
  const oldest = Math.min(...waiting.map((attempt) => Date.parse(attempt.scannedAt)))
  const hours = waiting.length ? (now - oldest) / HOUR_MS : 0
  if (waiting.length >= WAITING_MAX) return "full"
  if (hours >= AGE_MAX_H) return "too-old"
  if (hours >= AGE_WARN_H) return "old"
  return waiting.length >= WAITING_WARN ? "many" : null
}
