// What is owed and what was paid, and the remittance: closed by a person who certifies, shown as it was closed.
// The server alone counts money; what waits here is named apart.

import { newAttemptId } from "./attempt.js"
import { NoAnswer, Problem, get, post } from "./calls.js"
import { element, say, show } from "./elements.js"
import { words } from "./language.js"

const PATH = "/v1/remittances"

// One closing asked for, however often it has to be asked.
let requestId

export function openMoney(journal) {
  const form = element("certify")
  const button = element("money-open")
  button.disabled = false
  button.addEventListener("click", () => {
    show(element("bordereau"), false)
    element("money").showModal()
    showMoney(journal)
  })
  element("remit").addEventListener("click", () => {
    show(element("remit"), false)
    form.reset()
    requestId ??= newAttemptId(Date.now())
    say(element("certify-problem"), "")
    show(form)
    element("certified").focus()
  })
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    if (!element("certified").checked) return say(element("certify-problem"), words.CERTIFY)
    const button = form.querySelector("button")
    button.disabled = true
    await close(journal)
    button.disabled = false
  })
}

// An answer lost on the way may have closed it: asked again, the server tells the same remittance.
async function close(journal) {
  let problem = ""
  try {
    showRemittance(await post(PATH, { request_id: requestId }))
    requestId = undefined
  } catch (error) {
    problem = problemOf(error, words.REMIT_UNSURE)
  }
  await showMoney(journal)
  if (problem) say(element("money-problem"), problem)
}

async function showMoney(journal) {
  const waiting = journal.waiting()
  const cents = waiting.reduce((sum, { pass }) => sum + (pass?.face_value_cents ?? 0), 0)
  const isKnown = waiting.every(({ pass }) => pass?.face_value_cents)
  say(element("money-waiting"), words.total(waiting.length, cents, isKnown))
  for (const hidden of ["remit", "certify", "past"]) show(element(hidden), false)
  try {
    const [money, { remittances }] = await Promise.all([get("/v1/money"), get(PATH)])
    say(element("money-problem"), "")
    showSums(money)
    showPast(remittances)
  } catch (error) {
    for (const name of ["accepted", "remitted", "paid"]) say(element(`money-${name}`), "—")
    say(element("money-delay"), "")
    say(element("money-problem"), problemOf(error, words.MONEY_SILENT))
  }
}

function showSums(money) {
  for (const name of ["accepted", "remitted", "paid"]) {
    say(element(`money-${name}`), words.total(money[name].count, money[name].total_cents))
  }
  const { count, total_cents: cents } = money.accepted
  say(element("money-delay"), words.delay(money.payment_delay_days, money.expected_payment_on))
  say(element("remit-words"), words.remitting(count, cents))
  say(element("certification"), money.certification)
  show(element("remit"), count > 0)
}

function showRemittance(closed) {
  const { number, count, total_cents: cents, lines, lines_sha256: hash } = closed
  element("bordereau").replaceChildren(
    made("h3", words.remittance(number)),
    made("strong", words.total(count, cents)),
    made("p", [words.closedOn(closed.closed_at), words.expectedOn(closed.expected_payment_on)].join(" — ")),
    made("details", "", [
      made("summary", words.passes(lines.length)),
      made("ol", "", lines.map((line) => made("li", `${words.passName(line)} — ${words.euros(line.amount_cents)}`))),
    ]),
    made("small", words.linesHash(hash)),
    links(number),
  )
  show(element("bordereau"))
  element("bordereau").focus()
}

function showPast(remittances) {
  const rows = remittances.map(({ number, count, total_cents: cents, state, expected_payment_on: on, paid_at: paid }) => {
    const when = paid ? words.paidOn(paid) : [words.REMITTANCE_STATE[state] ?? state, words.expectedOn(on)].join(", ")
    return made("li", "", [
      made("strong", words.remittance(number)),
      ` — ${words.total(count, cents)}`,
      made("p", when),
      links(number),
    ])
  })
  element("remittances").replaceChildren(...rows)
  show(element("past"), rows.length > 0)
}

function links(number) {
  const row = made("p", "", ["pdf", "csv"].map((type) => {
    const link = made("a", type.toUpperCase())
    link.className = "button"
    link.href = `${PATH}/${number}.${type}`
    link.download = ""
    link.ariaLabel = `${words.remittance(number)}, ${type.toUpperCase()}`
    return link
  }))
  row.className = "actions"
  return row
}

function made(name, text, children = []) {
  const one = document.createElement(name)
  one.append(...(text ? [text] : []), ...children)
  return one
}

function problemOf(error, otherwise) {
  if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
  return error instanceof Problem && !error.isForLater && error.message ? error.message : otherwise
}
