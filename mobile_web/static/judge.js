// What this phone alone can tell of a code, from the facts it keeps. The server has the last word on a good one.

import { readCode } from "./pass_code.js"
import { isTyped, meant, passOf } from "./short_code.js"
import { bytesOf, verifies } from "./signature.js"

const PRACTICE_FIRST = 2 ** 40 - 2 ** 20

// Answers { state: "good" | "practice", pass }, { state: "refused", refusal, pass? } or { state: "unverifiable", why }.
// `now`: milliseconds, by the right clock. Of several reasons the first is told, in the order of validator/verdict.py.
export async function judgeHere(text, facts, now) {
  if (isTyped(text)) return judgeTyped(passOf(meant(text)))
  const code = readCode(text)
  if (code.fault) return { state: "refused", refusal: code.fault }
  if (!facts.keyset) return { state: "unverifiable", why: "no-keys", pass: code.pass }

  const key = keyOf(code.kid, facts.keyset)
  const isGenuine = key && (await verifies(key.x, code.signature, code.toVerify))
  if (key?.purpose === "practice" && isGenuine && isPractice(code.pass)) return { state: "practice", pass: code.pass }
  if (key?.purpose !== "pass") return unlessStale("unknown_key", code.pass, facts)
  if (!isGenuine) return { state: "refused", refusal: "forged" }
  if (key.state === "revoked") return { state: "refused", refusal: "revoked_key", pass: code.pass }

  const programme = programmeOf(code.pass, facts.programmes)
  const pass = programme ? described(code.pass, programme) : code.pass
  if (programme && now >= Date.parse(programme.expires_at)) return unlessStale("expired", pass, facts)
  if (isCancelled(pass, facts.revocations, now)) return unlessStale("cancelled", pass, facts)
  return { state: "good", pass }
}

// Only the server can verify a typed code. One of a practice pass is told by its number, which no pass worth money has.
function judgeTyped(pass) {
  return isPractice(pass) ? { state: "practice", pass } : { state: "unverifiable", why: "short-code" }
}

function isPractice({ booklet }) {
  return booklet >= PRACTICE_FIRST
}

// These may have changed since: a phone that was long away leaves them to the server.
function unlessStale(refusal, pass, facts) {
  return facts.isStale ? { state: "unverifiable", why: "stale-facts", pass } : { state: "refused", refusal, pass }
}

function keyOf(kid, keyset) {
  const isIt = (key) => bytesOf(key.kid).every((byte, place) => byte === kid[place])
  return keyset.keys.find((key) => (key.purpose === "pass" || key.purpose === "practice") && isIt(key))
}

// The printed date is that of the day of printing: the programme's, amended perhaps, decides.
function programmeOf({ booklet }, programmes) {
  const holds = ({ first_booklet: first, booklet_count: count }) => booklet >= first && booklet < first + count
  return programmes.find((programme) => programme.batches?.some(holds))
}

function described(pass, programme) {
  return { ...pass, face_value_cents: programme.face_value_cents, expires_on: programme.last_day }
}

function isCancelled({ booklet }, revocations, now) {
  return revocations.some((one) => one.booklet === booklet && Date.parse(one.cancelled_at) <= now)
}
