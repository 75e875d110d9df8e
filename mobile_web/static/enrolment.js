// Makes this browser a device, by the link /#enrol=CODE that works once. The server sets the cookie.

import { NoAnswer, Problem, post } from "./calls.js"
import { element, say } from "./elements.js"
import { ENROLMENT } from "./words.js"

export function linkCode() {
  return new URLSearchParams(location.hash.slice(1)).get("enrol")
}

// Answers whether the browser became a device. `known` is the device that it already is, or null.
export async function enrolByLink(known) {
  const code = linkCode()
  if (!code) return false
  // The code leaves the address and the history before anything else: it is a key.
  history.replaceState(null, "", location.pathname)
  if (known && !(await personAgreesToReplace(known))) return false
  try {
    await post("/v1/enrolments", { code })
    return true
  } catch (error) {
    if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
    say(element("notice"), ENROLMENT[reasonOf(error)])
    return false
  }
}

function personAgreesToReplace(device) {
  const dialog = element("replace")
  say(element("replace-mediator"), device.mediator)
  dialog.showModal()
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "replace"), { once: true })
  })
}

function reasonOf(error) {
  if (error instanceof NoAnswer || error.isForLater) return "no-answer"
  return "refused"
}
