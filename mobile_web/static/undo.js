// Undoes an acceptance, with a reason that stays on record. Repeating it changes nothing more.

import { NoAnswer, Problem, post } from "./calls.js"
import { element, say } from "./elements.js"
import { words } from "./language.js"
import { told } from "./telling.js"

const OTHER = "Autre motif"

// Answers a function that asks a person why, then undoes the attempt.
export function openUndo(journal) {
  const dialog = element("undo")
  const form = dialog.querySelector("form")
  const problem = (name) => say(element("undo-problem"), name ? words.UNDO_PROBLEM[name] : "")
  let attempt

  element("undo-leave").addEventListener("click", () => dialog.close())
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    const reason = form.elements.reason.value
    const detail = element("undo-detail").value.trim()
    if (!reason || (reason === OTHER && !detail)) return problem(reason ? "no-detail" : "no-reason")
    await undo(reason === OTHER ? detail : words.withDetail(reason, detail))
  })

  async function undo(reason) {
    element("undo-confirm").disabled = true
    try {
      await post(`/v1/scans/${attempt.attemptId}/undo`, { reason })
      await journal.settle(attempt.attemptId, { state: "undone", reason })
      dialog.close()
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
      problem(error.status === 409 ? "remitted" : "no-answer")
    } finally {
      element("undo-confirm").disabled = false
    }
  }

  return (asked) => {
    attempt = asked
    form.reset()
    const { verdict, which } = told(attempt)
    say(element("undo-pass"), `${verdict} — ${which}`)
    problem()
    dialog.showModal()
  }
}
