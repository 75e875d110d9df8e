// Says that something is under way, and lets a form leave once. Every page works without it.

const PATIENCE_MS = 400
const SECOND_MS = 1000
const bar = document.getElementById("en-cours")
let timers = []

function show(words) {
  const seconds = Object.assign(document.createElement("span"), { ariaHidden: "true" })
  const began = performance.now()
  const told = Object.assign(document.createElement("span"), { textContent: words })
  const progress = Object.assign(document.createElement("progress"), { ariaLabel: words })
  bar.replaceChildren(progress, told, seconds)
  bar.hidden = false
  timers.push(setInterval(() => {
    seconds.textContent = `${Math.round((performance.now() - began) / SECOND_MS)} s`
  }, SECOND_MS))
}

function rest() {
  for (const timer of timers) clearTimeout(timer)
  timers = []
  bar.hidden = true
  bar.replaceChildren()
  for (const form of document.forms) delete form.dataset.sent
}

document.addEventListener("submit", event => {
  const form = event.target
  if (form.dataset.sent) {
    event.preventDefault()
    return
  }
  const busy = event.submitter?.dataset.busy
  if (form.dataset.answer === "file" && !busy) return // the page stays: nothing would end the wait
  form.dataset.sent = "yes"
  timers.push(setTimeout(show, PATIENCE_MS, busy || form.dataset.busy || "En cours…"))
})

addEventListener("pageshow", rest) // back from the next page, whole as it was left
