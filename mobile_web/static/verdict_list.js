// The session's list, newest first: attempts from the journal, and tests, which only this page remembers.

import { element, fromTemplate, say, show } from "./elements.js"
import { words } from "./language.js"
import { told } from "./telling.js"

const TESTS_SHOWN_MAX = 50

// Event "undo": a person asks to undo this attempt (detail).
export class VerdictList extends EventTarget {
  #attempts = []
  #tests = []
  #rowOf = new Map()
  #shown = new Map() // attempts as their rows show them

  show(attempts) {
    this.#attempts = attempts
    this.#draw()
  }

  addTest(tested) {
    this.#tests = [...this.#tests, tested].slice(-TESTS_SHOWN_MAX)
    this.#draw()
  }

  forgetTests() {
    this.#tests = []
    this.#draw()
  }

  // Rows stay the same elements, so that focus and screen readers do not lose their place.
  #draw() {
    const newestFirst = [...this.#attempts, ...this.#tests].sort((one, other) =>
      other.scannedAt.localeCompare(one.scannedAt),
    )
    const known = new Set(newestFirst.map((attempt) => attempt.attemptId))
    for (const [id, row] of this.#rowOf) {
      if (known.has(id)) continue
      row.remove()
      this.#rowOf.delete(id)
      this.#shown.delete(id)
    }
    newestFirst.forEach((attempt, place) => this.#put(this.#row(attempt), place))
    show(element("nothing-yet"), newestFirst.length === 0)
    show(element("new-session"), newestFirst.length > 0)
  }

  #put(row, place) {
    const list = element("verdicts")
    if (list.children[place] !== row) list.insertBefore(row, list.children[place] ?? null)
  }

  #row(attempt) {
    const row = this.#rowOf.get(attempt.attemptId) ?? this.#newRow(attempt.attemptId)
    if (this.#shown.get(attempt.attemptId) === attempt) return row
    this.#shown.set(attempt.attemptId, attempt)
    const { kind, symbol, verdict, which, why } = told(attempt)
    row.dataset.kind = kind
    say(row.querySelector(".symbol"), symbol)
    say(row.querySelector(".verdict"), verdict)
    say(row.querySelector(".which"), [words.clock(attempt.scannedAt), which].filter(Boolean).join(" · "))
    say(row.querySelector(".why"), why ?? "")
    show(row.querySelector(".undo"), attempt.state === "accepted")
    return row
  }

  #newRow(attemptId) {
    const row = fromTemplate("verdict-row")
    row.querySelector(".undo").addEventListener("click", () => {
      this.dispatchEvent(new CustomEvent("undo", { detail: this.#shown.get(attemptId) }))
    })
    this.#rowOf.set(attemptId, row)
    return row
  }
}
