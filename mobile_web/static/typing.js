// The typed code: grouped as it is printed while it is typed, and checked before anything is sent.

import { element, say } from "./elements.js"
import { words } from "./language.js"
import { CODE_CHARS, grouped, groupedLength, isWhole, looksSigned, meant } from "./short_code.js"

// `hand` takes a code that looks right, and answers whether it took charge of it.
export function openTyping(hand) {
  const input = element("code")
  input.addEventListener("input", () => {
    groupTyped(input)
    const isComplete = meant(input.value).length >= CODE_CHARS
    tell(isComplete ? problemOf(input.value) : "", isComplete)
  })
  element("typing").addEventListener("submit", async (event) => {
    event.preventDefault()
    const problem = problemOf(input.value)
    tell(problem)
    if (problem) return input.focus()
    const typed = input.value
    input.value = ""
    if (await hand(asSent(typed))) input.focus()
    else input.value ||= typed
  })
}

function groupTyped(input) {
  // A QR's whole text, pasted.
  if (input.value.includes(":")) return
  const before = meant(input.value.slice(0, input.selectionStart))
  const code = meant(input.value).slice(0, CODE_CHARS)
  const text = grouped(code)
  if (text === input.value) return
  input.value = text
  const caret = groupedLength(Math.min(before.length, code.length))
  input.setSelectionRange(caret, caret)
}

// Empty when the code may be sent.
function problemOf(text) {
  if (looksSigned(text)) return ""
  const code = meant(text)
  if (code.length === 0) return words.CODE_PROBLEM.empty
  if (code.length < CODE_CHARS) return words.CODE_PROBLEM.short(code.length)
  return isWhole(code) ? "" : words.CODE_PROBLEM.wrong
}

function asSent(text) {
  return looksSigned(text) ? text.trim() : grouped(meant(text))
}

function tell(problem, isComplete = false) {
  say(element("code-problem"), problem)
  say(element("code-good"), isComplete && !problem ? words.CODE_GOOD : "")
  element("code").ariaInvalid = problem ? "true" : "false"
}
