// A photo of one or many passes: the server reads and checks its codes, a person confirms, all are taken.

import { NoAnswer, Problem, postPhoto } from "./calls.js"
import { element, fromTemplate, say, show } from "./elements.js"
import { words } from "./language.js"
import { grouped, isWhole, looksSigned, meant } from "./short_code.js"
import { told } from "./telling.js"

const CODES_MAX = 40

export function openPhoto({ intake, tell, modeOf, isReady, service }) {
  const panel = element("photo")
  const inputs = [element("camera"), element("album")]
  let choices = []

  for (const input of inputs) {
    input.addEventListener("click", (event) => isReady() || event.preventDefault())
    input.addEventListener("change", async () => {
      const [photo] = input.files
      if (photo) await readAlone(photo)
      // The same photo may be chosen again.
      input.value = ""
    })
    input.disabled = false
  }
  element("photo-passes").addEventListener("change", showTake)
  element("mode").addEventListener("change", () => show(panel, false))
  element("photo-close").addEventListener("click", close)
  element("photo-take").addEventListener("click", async () => {
    if (!isReady()) return
    const answers = await intake.takeAll(chosen(), "photo")
    tell(answers)
    if (answers[0].kind !== "cannot-keep") close()
  })

  async function readAlone(photo) {
    for (const input of inputs) input.disabled = true
    await read(photo)
    for (const input of inputs) input.disabled = false
  }

  async function read(photo) {
    open(words.READING)
    const asked = new URLSearchParams({ judge: "check", service: service.chosen() ?? "" })
    try {
      const { codes } = await postPhoto(`/v1/photos?${asked}`, photo)
      showFound(passesOf(codes))
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
      open(words.PHOTO_FAILED, words.photoProblem(error.status))
    }
    panel.focus({ preventScroll: true })
    panel.scrollIntoView({ block: "nearest" })
  }

  function open(title, text = "") {
    choices = []
    element("photo-passes").replaceChildren()
    say(element("photo-title"), title)
    say(element("photo-words"), text)
    show(element("photo-take"), false)
    show(panel)
  }

  function close() {
    show(panel, false)
    element("camera").focus({ preventScroll: true })
  }

  function showFound(passes) {
    open(words.found(passes.length), passes.length ? "" : words.NOTHING_FOUND)
    choices = passes.map((found) => ({ found, row: foundRow(found, modeOf() !== "take") }))
    element("photo-passes").replaceChildren(...choices.map(({ row }) => row))
    showTake()
  }

  function chosen() {
    return choices.filter(({ row }) => row.querySelector("input").checked).map(({ found }) => found)
  }

  function showTake() {
    const count = chosen().length
    show(element("photo-take"), count > 0)
    element("photo-take").textContent = words.takeAll(count)
  }
}

// Signed codes first: where one pass is read twice, its QR is kept. Other codes in the room are nobody's pass.
function passesOf(codes) {
  const found = codes.map(({ text, check }) => ({ code: sentAs(text), ...stateOf(check) }))
  const isSigned = ({ code }) => looksSigned(code)
  const passes = found.filter(({ code }) => code).sort((one, other) => isSigned(other) - isSigned(one))
  const seen = new Set()
  const isNew = ({ code, pass }) => {
    const name = pass ? `${pass.booklet}/${pass.number}` : code
    return !seen.has(name) && seen.add(name)
  }
  return passes.filter(isNew).slice(0, CODES_MAX)
}

function sentAs(text) {
  if (looksSigned(text)) return text.trim()
  return isWhole(meant(text)) ? grouped(meant(text)) : null
}

// The server may have had too many to check: the scan itself will tell.
function stateOf(check) {
  if (!check) return { state: "untested", why: "unavailable" }
  const { verdict, ...rest } = check
  return { ...rest, state: verdict === "acceptable" ? "acceptable" : "refusable" }
}

function foundRow(found, isTest) {
  const row = fromTemplate("found-row")
  const { kind, symbol, verdict, which, why } = told(found)
  row.dataset.kind = kind
  say(row.querySelector(".symbol"), symbol)
  say(row.querySelector(".which"), which)
  const isRefused = found.state === "refusable"
  say(row.querySelector(".verdict"), isRefused && why ? `${verdict}. ${why}` : verdict)
  const box = row.querySelector("input")
  box.checked = !isRefused && !isTest
  show(box, box.checked)
  return row
}
