// A photo of one or many passes: the server reads its codes and checks each, a person confirms, all are taken.

import { NoAnswer, Problem, postPhoto } from "./calls.js"
import { checkEach } from "./checks.js"
import { element, fromTemplate, say, show } from "./elements.js"
import { grouped, isWhole, looksSigned, meant } from "./short_code.js"
import { told } from "./telling.js"
import * as words from "./words.js"

const CODES_MAX = 40

// `take` is given [{ code, pass }] and answers whether it took charge of them.
export function openPhoto({ take, isTest, service }) {
  const panel = element("photo")
  const inputs = [element("camera"), element("album")]
  let choices = []

  for (const input of inputs) {
    input.addEventListener("click", (event) => {
      if (!isTest() && !service.isChosen()) event.preventDefault()
    })
    input.addEventListener("change", async () => {
      const [photo] = input.files
      if (photo) await readAlone(photo)
      // The same photo may be chosen again.
      input.value = ""
    })
  }
  element("photo-passes").addEventListener("change", showTake)
  element("mode").addEventListener("change", () => show(panel, false))
  element("photo-close").addEventListener("click", close)
  element("photo-take").addEventListener("click", () => take(chosen()) && close())

  async function readAlone(photo) {
    for (const input of inputs) input.disabled = true
    await read(photo)
    for (const input of inputs) input.disabled = false
  }

  async function read(photo) {
    open(words.READING)
    try {
      const { codes } = await postPhoto("/v1/photos", photo)
      showFound(await checkEach(passCodes(codes), service.chosen()))
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

  function showFound(checked) {
    const passes = worthShowing(checked)
    open(words.found(passes.length), passes.length ? "" : words.NOTHING_FOUND)
    choices = passes.map((found) => ({ found, row: foundRow(found, isTest()) }))
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
function passCodes(codes) {
  const texts = [...new Set(codes.map(({ text }) => text))]
  const typed = texts.filter((text) => !looksSigned(text) && isWhole(meant(text)))
  return [...texts.filter(looksSigned), ...typed.map((text) => grouped(meant(text)))].slice(0, CODES_MAX)
}

// While checks get no answer, nobody can tell that a QR and a Code 128 are the same pass: the QR alone is shown.
function worthShowing(checked) {
  const isSigned = ({ code }) => looksSigned(code)
  const hasSigned = checked.some(isSigned)
  return checked.filter((found) => found.state !== "untested" || isSigned(found) || !hasSigned)
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
  // A pass that could not be checked may be taken all the same: the server judges it when it answers again.
  const isTakeable = found.state === "acceptable" || found.state === "untested"
  box.checked = isTakeable && !isTest
  show(box, box.checked)
  return row
}
