// A handheld scanner that types like a keyboard, wherever the focus is: a burst of keys faster than any hand.
// What it types reaches no field and no button; where it typed as on another keyboard, that is undone.

import { readCode } from "./pass_code.js"
import { grouped, isWhole, looksSigned, meant } from "./short_code.js"

const GAP_MS = 35 // between two keys of a burst
const SURE_AFTER = 5 // keys
const END_AFTER_MS = 250 // for scanners that send no Enter
const GIVEN_UP_AFTER_MS = 3000 // what is no code yet may go on: a busy computer brings keys late, with their own times
const KEYS_MAX = 512

const SHIFTED = { 4: "$", 5: "%", 8: "*", Equal: "+", Semicolon: ":" }
const PLAIN = { Minus: "-", Period: ".", Slash: "/", Space: " ", NumpadAdd: "+", NumpadSubtract: "-" }

// `onCode` is given a code; `onGarbled` is called for a burst ended by Enter that nobody can read.
export function listenToWedge({ onCode, onGarbled }) {
  let burst = []
  let before // what the field held, to give it back
  let timer

  addEventListener("keydown", onKey, true)
  addEventListener("keyup", (event) => isSure() && hold(event), true)

  function onKey(event) {
    const isEnd = event.key === "Enter" || event.key === "Tab"
    if (event.repeat || (!isEnd && (event.key.length > 1 || isShortcut(event)))) return
    const gap = event.timeStamp - (burst.at(-1)?.at ?? -Infinity)
    if (gap > GAP_MS) start()
    if (isEnd) return isSure() && (hold(event), end(true))
    burst.push({ at: event.timeStamp, key: event.key, code: event.code, shift: event.shiftKey })
    // A list would jump to what begins with the letter.
    if (isSure() || (!before && event.key !== " ")) hold(event)
    if (burst.length === SURE_AFTER) giveBack()
    clearTimeout(timer)
    timer = setTimeout(endIfWhole, END_AFTER_MS)
  }

  function start() {
    const field = document.activeElement
    before = isTextField(field) && { field, value: field.value, caret: field.selectionStart }
    burst = []
  }

  const isSure = () => burst.length >= SURE_AFTER

  function giveBack() {
    if (!before) return
    before.field.value = before.value
    before.field.setSelectionRange(before.caret, before.caret)
    before.field.dispatchEvent(new Event("input"))
  }

  function endIfWhole() {
    if (!isSure() || isWholeCode(read(burst))) end()
    else timer = setTimeout(end, GIVEN_UP_AFTER_MS - END_AFTER_MS)
  }

  function end(hasEnter = false) {
    clearTimeout(timer)
    const keys = burst
    const isBurst = isSure()
    burst = []
    if (!isBurst) return
    const code = read(keys)
    if (code) onCode(code)
    else if (before && !hasEnter) typeAfterAll(before.field, textOf(keys))
    else onGarbled()
  }
}

// Two quick hands, or a paste by an assistive tool: nothing typed is lost.
function typeAfterAll(field, text) {
  field.setRangeText(text, field.selectionStart, field.selectionEnd, "end")
  field.dispatchEvent(new Event("input"))
}

// As the keys were named, else as they lie on the American keyboard that most scanners believe in.
function read(keys) {
  if (keys.length > KEYS_MAX) return null
  for (const text of [textOf(keys), keys.map(american).join("")]) {
    if (looksSigned(text)) return text.trim().toUpperCase()
    if (isWhole(meant(text))) return grouped(meant(text))
  }
  return null
}

// What a signed text begins with looks signed too.
function isWholeCode(code) {
  return code !== null && !(looksSigned(code) && readCode(code).fault)
}

function textOf(keys) {
  return keys.map(({ key }) => key).join("")
}

function american({ code, shift }) {
  const name = code.replace(/^(Key|Digit|Numpad(?=\d))/, "")
  return (shift && SHIFTED[name]) || PLAIN[code] || (name.length === 1 ? name : "")
}

function hold(event) {
  event.preventDefault()
  event.stopImmediatePropagation()
}

function isTextField(field) {
  return field.matches("input[type=text]")
}

function isShortcut(event) {
  return (event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")
}
