// The page's story: learn whose device this is, enrol by the link if there is one, open the desk.

import { NoAnswer, Problem } from "./calls.js"
import { Clock } from "./clock.js"
import { openDesk } from "./desk.js"
import { element, notice, say, show } from "./elements.js"
import { enrolByLink, linkCode } from "./enrolment.js"
import { Facts } from "./facts.js"
import { ownerOf } from "./journal.js"
import { translateScreen, words } from "./language.js"
import { CannotKeep, openStore } from "./store.js"

const RETRY_MS = 3_000

translateScreen()
await open()

async function open() {
  import("./menu.js").then(({ openMenu }) => openMenu(), () => notice("parts", words.SERVICE_SILENT))
  // Elsewhere browsers do not tell the server that it is the page that asks, and it refuses.
  if (!isSecureContext) return say(element("opening-words"), words.NEEDS_HTTPS)
  const clock = new Clock()
  const [store, facts] = await openMemory()
  if (!facts) return say(element("opening-words"), words.CANNOT_KEEP.full)
  // A link opened in a tab that already shows the page changes the address and nothing else.
  addEventListener("hashchange", () => linkCode() && location.reload())
  facts.addEventListener("device", () => location.reload())

  const known = facts.device && !facts.isRevoked ? facts.device : await whoseDevice(facts)
  const device = (await enrolByLink(known, facts)) ? await whoseDevice(facts) : known
  show(element("opening"), false)
  if (!device) return showStranger(facts)
  const desk = await openDesk({ device, store, facts, clock })
  await confirm(device, facts)
  desk.start()
}

// Nothing where the browser keeps nothing: a pass could be lost there.
async function openMemory() {
  try {
    const store = await openStore()
    return [store, await Facts.open(store)]
  } catch (error) {
    if (!(error instanceof CannotKeep)) throw error
    return []
  }
}

// Null when this browser is nobody's device. Asks again while the service is silent.
async function whoseDevice(facts) {
  for (;;) {
    try {
      return await facts.whose()
    } catch (error) {
      if (!isTrouble(error)) throw error
      say(element("opening-words"), words.SERVICE_SILENT)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
    }
  }
}

// Opened by what was last known, so that it works without network: nothing is sent before the server was asked.
async function confirm(device, facts) {
  try {
    const now = await facts.whose()
    if (!now || ownerOf(now) !== ownerOf(device)) location.reload()
  } catch (error) {
    if (!isTrouble(error)) throw error
  }
}

function showStranger(facts) {
  show(element("stranger"))
  if (facts.isRevoked) notice("revoked", words.REVOKED)
}

function isTrouble(error) {
  return error instanceof NoAnswer || error instanceof Problem
}
