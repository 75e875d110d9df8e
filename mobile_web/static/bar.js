// The bar at the bottom: the latest verdict, what keeps verdicts from coming, and the session's sums.

import { element, say, show } from "./elements.js"
import { toldTogether } from "./telling.js"
import { TROUBLE, notYetTaken, total } from "./words.js"

export function showLatest(attempts) {
  const { kind, symbol, verdict, which } = toldTogether(attempts)
  const latest = element("latest")
  latest.dataset.kind = kind
  latest.querySelector(".symbol").textContent = symbol
  latest.querySelector(".verdict").textContent = verdict
  latest.querySelector(".which").textContent = which
  show(latest)
}

// A verdict that comes is of another pass than the one now waiting.
export function forgetLatest() {
  show(element("latest"), false)
}

export function showTrouble(trouble) {
  if (trouble) forgetLatest()
  show(element("trouble"), trouble !== null)
  say(element("trouble-words"), trouble ? TROUBLE[trouble] : "")
}

// Only what the server has accepted is counted as money; what waits is named beside it.
export function showSums(attempts) {
  const accepted = attempts.filter((attempt) => attempt.state === "accepted")
  const waiting = attempts.filter((attempt) => attempt.state === "waiting")
  const cents = accepted.reduce((sum, attempt) => sum + (attempt.pass.face_value_cents ?? 0), 0)
  say(element("total"), total(accepted.length, cents))
  say(element("owed"), waiting.length ? notYetTaken(waiting.length) : "")
}
