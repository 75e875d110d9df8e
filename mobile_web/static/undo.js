// Undoes an acceptance, with a reason that stays on record. Repeating it changes nothing more.

import { NoAnswer, Problem, post } from "./calls.js"
import { element, say } from "./elements.js"
import { told } from "./telling.js"
import { undoProblem, withDetail } from "./words.js"

const OTHER = "Autre motif"

// Answers a function that asks a person why, then undoes the attempt.
export function openUndo(journal) {
  const dialog = element("undo")
  const form = dialog.querySelector("form")
  let attempt

  element("undo-leave").addEventListener("click", () => dialog.close())
  form.addEventListener("submit", async (event) => {
    event.preventDefault()
    const reason = form.elements.reason.value
    const detail = element("undo-detail").value.trim()
    if (!reason || (reason === OTHER && !detail)) {
      return say(element("undo-problem"), undoProblem(reason ? "no-detail" : "no-reason"))
    }
    await undo(reason === OTHER ? detail : withDetail(reason, detail))
  })

  async function undo(reason) {
    element("undo-confirm").disabled = true
    try {
      await post(`/v1/scans/${attempt.attemptId}/undo`, { reason })
      journal.settle(attempt.attemptId, { state: "undone", reason })
      dialog.close()
    } catch (error) {
      if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
      say(element("undo-problem"), undoProblem(error.status === 409 ? "remitted" : "no-answer"))
    } finally {
      element("undo-confirm").disabled = false
    }
  }

  return (asked) => {
    attempt = asked
    form.reset()
    const { verdict, which } = told(attempt)
    say(element("undo-pass"), `${verdict} — ${which}`)
    say(element("undo-problem"), "")
    dialog.showModal()
  }
}
