// Makes this browser a device, by the link /#enrol=CODE that works once. The server sets the cookie.

import { isApple, isInstalled } from "./browser.js"
import { NoAnswer, Problem, post } from "./calls.js"
import { element, notice, say } from "./elements.js"
import { words } from "./language.js"

// Safari forgets after seven days what a page wrote, unless it is installed, but not its cookie: a device bound
// to a key would have to be enrolled again each week.
const mayKeepKey = !isApple || isInstalled

export function linkCode() {
  return new URLSearchParams(location.hash.slice(1)).get("enrol")
}

// Answers whether the browser became a device. `known` is the device that it already is, or null.
export async function enrolByLink(known, facts) {
  const code = linkCode()
  if (!code) return false
  // The code leaves the address and the history before anything else: it is a key.
  history.replaceState(null, "", location.pathname)
  if (known && !(await personAgreesToReplace(known))) return false
  try {
    await facts.changeDevice((publicKey) => post("/v1/enrolments", { code, public_key: publicKey }), { mayKeepKey })
    return true
  } catch (error) {
    if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
    // An answer may be lost once the badge has come.
    if (error instanceof NoAnswer && !known && facts.device) return true
    notice("enrolment", words.ENROLMENT[reasonOf(error)])
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
