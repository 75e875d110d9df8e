// The bar at the bottom: the latest verdict, what keeps verdicts from coming, and the session's sums.

import { element, say, show } from "./elements.js"
import { words } from "./language.js"

export function showLatest({ kind, symbol, verdict, which }) {
  const latest = element("latest")
  latest.dataset.kind = kind
  latest.querySelector(".symbol").textContent = symbol
  latest.querySelector(".verdict").textContent = verdict
  latest.querySelector(".which").textContent = which
}

export function showTrouble(trouble, waitingCount, ageMs) {
  show(element("trouble"), trouble !== null)
  const said = trouble ? words.trouble(trouble, waitingCount, ageMs) : ""
  // A live region is read aloud at each change: none without news.
  if (element("trouble-words").textContent !== said) say(element("trouble-words"), said)
}

// What the server has accepted and what waits make the total; beside it, how much is of each.
export function showSums(attempts) {
  const of = (state) => attempts.filter((attempt) => attempt.state === state)
  const [accepted, waiting] = [of("accepted"), of("waiting")]
  const values = [...accepted, ...waiting].map(({ pass }) => pass?.face_value_cents)
  const cents = values.reduce((sum, value) => sum + (value ?? 0), 0)
  say(element("total"), words.total(values.length, cents, !values.includes(undefined)))
  say(element("owed"), words.taken(accepted.length, waiting.length))
}
