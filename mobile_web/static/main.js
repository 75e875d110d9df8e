// The page's story: enrol by the link if there is one, learn whose device this is, open the desk.

import { NoAnswer, Problem, get } from "./calls.js"
import { openDesk } from "./desk.js"
import { element, say, show } from "./elements.js"
import { enrolByLink, linkCode } from "./enrolment.js"
import { NEEDS_HTTPS, SERVICE_SILENT } from "./words.js"

const RETRY_MS = 3_000

await open()
// A link opened in a tab that already shows the page changes the address and nothing else.
addEventListener("hashchange", () => linkCode() && location.reload())

async function open() {
  // Elsewhere browsers do not tell the server that it is the page that asks, and it refuses.
  if (!isSecureContext) return say(element("opening-words"), NEEDS_HTTPS)
  const known = await whoseDevice()
  const device = (await enrolByLink(known)) ? await whoseDevice() : known
  show(element("opening"), false)
  if (device) openDesk(device)
  else show(element("stranger"))
}

// Null when this browser is nobody's device. Asks again while the service is silent.
async function whoseDevice() {
  for (;;) {
    try {
      return await get("/v1/device")
    } catch (error) {
      if (error instanceof Problem && error.isUnknownDevice) return null
      if (!(error instanceof NoAnswer || error instanceof Problem)) throw error
      say(element("opening-words"), SERVICE_SILENT)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}
