// The typed code: grouped as it is printed while it is typed, and checked before anything is sent.

import { element, say } from "./elements.js"
import { CODE_CHARS, grouped, groupedLength, isWhole, looksSigned, meant } from "./short_code.js"
import { CODE_PROBLEM } from "./words.js"

// `hand` takes a code that looks right, and answers whether it took charge of it.
export function openTyping(hand) {
  const input = element("code")
  input.addEventListener("input", () => {
    groupTyped(input)
    const isComplete = meant(input.value).length >= CODE_CHARS
    tellProblem(input, isComplete ? problemOf(input.value) : "")
  })
  element("typing").addEventListener("submit", (event) => {
    event.preventDefault()
    const problem = problemOf(input.value)
    tellProblem(input, problem)
    if (!problem && !hand(asSent(input.value))) return
    if (!problem) input.value = ""
    input.focus()
  })
}

function groupTyped(input) {
  // A scanner that types like a keyboard may send a QR's whole text.
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
  if (code.length === 0) return CODE_PROBLEM.empty
  if (code.length < CODE_CHARS) return CODE_PROBLEM.short(code.length)
  return isWhole(code) ? "" : CODE_PROBLEM.wrong
}

function asSent(text) {
  return looksSigned(text) ? text.trim() : grouped(meant(text))
}

function tellProblem(input, words) {
  say(element("code-problem"), words)
  input.ariaInvalid = words ? "true" : "false"
}
