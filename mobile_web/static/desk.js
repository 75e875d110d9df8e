// The desk of an enrolled device: the ways in (camera, photo, hand, scanner) meet the journal, the queue and the list.

import * as bar from "./bar.js"
import { isApple, isInstalled } from "./browser.js"
import { element, notice, say, show } from "./elements.js"
import { feel } from "./feedback.js"
import { Intake } from "./intake.js"
import { Journal } from "./journal.js"
import { words } from "./language.js"
import { warningOf } from "./limits.js"
import { openMode } from "./mode.js"
import { Queue } from "./queue.js"
import { openService } from "./service.js"
import { told, toldAtOnce, toldTogether } from "./telling.js"
import { openTyping } from "./typing.js"
import { VerdictList } from "./verdict_list.js"
import { listenToWedge } from "./wedge.js"

const LOOK_EVERY_MS = 60_000
const REFRESH_EVERY_MS = 15 * 60_000
const NOT_TAKEN = new Set(["no-service", "cannot-keep"])
const TESTS = new Set(["acceptable", "refusable", "untested", "practice"])

// Answers { start }, to be called once nobody else can be the device's person: nothing is sent before.
export async function openDesk({ device, store, facts, clock }) {
  const journal = await Journal.open(store, device)
  const queue = new Queue(journal, clock)
  const list = new VerdictList()
  const service = openService(device)
  const modeOf = openMode()
  const intake = new Intake({ journal, queue, facts, clock, modeOf, serviceOf: service.chosen })

  // What was read is told at once; answers what intake.js told.
  const take = async (text, source) => {
    const answer = await intake.take(text, source)
    tell([answer])
    return answer
  }
  const tell = (answers) => tellTaken(answers, { list, service })
  const isReady = () => modeOf() !== "take" || service.isChosen()

  openTyping(async (code) => !NOT_TAKEN.has((await take(code, "typed")).kind))
  listenToWedge({ onCode: (code) => take(code, "wedge"), onGarbled: () => notice("wedge", words.WEDGE_GARBLED) })
  followJournal(journal, list)
  const look = followTrouble({ queue, journal, facts, clock })
  await showDesk(device, journal)
  const parts = { take, isReady, tell, intake, modeOf, service, journal, queue, list }
  openLater(parts).catch(() => notice("parts", words.SERVICE_SILENT))
  const refresh = keepFresh(facts, look)
  const start = () => {
    queue.send()
    refresh()
  }
  element("send-now").addEventListener("click", start)
  return { start }
}

// The parts that the first look at the desk does not need.
async function openLater({ take, isReady, tell, intake, modeOf, service, journal, queue, list }) {
  const [{ openScanning }, { openPhoto }, { openUndo }, { openMoney }] = await Promise.all([
    import("./scanning.js"),
    import("./photo.js"),
    import("./undo.js"),
    import("./money.js"),
  ])
  openPhoto({ intake, tell, modeOf, isReady, service })
  openMoney(journal)
  const undo = openUndo(journal)
  list.addEventListener("undo", (event) => undo(event.detail))
  await openScanning({ take, isReady, queue })
  const { applyUpdate, registerWorker, updates } = await import("./updates.js")
  updates.addEventListener("update-ready", () => offerUpdate(applyUpdate))
  registerWorker()
}

function tellTaken(answers, { list, service }) {
  const [{ kind, attempt, why }] = answers
  if (kind === "no-service") return service.isChosen()
  if (kind === "cannot-keep") {
    feel("refused")
    return notice("kept", words.CANNOT_KEEP[why])
  }
  const attempts = answers.filter(({ kind }) => !words.AT_ONCE[kind]).map((answer) => answer.attempt)
  for (const one of attempts) if (TESTS.has(one.state)) list.addTest(one)
  const told = attempts.length ? toldTogether(attempts) : toldAtOnce(kind, attempt)
  bar.showLatest(told)
  feel(told.kind)
}

function followJournal(journal, list) {
  const showAll = () => {
    list.show(journal.attempts())
    bar.showSums(journal.attempts())
  }
  journal.addEventListener("change", showAll)
  showAll()
  element("new-session").addEventListener("click", () => {
    list.forgetTests()
    journal.startAfresh()
  })
}

// Answers a function that looks again at what a person should know.
function followTrouble({ queue, journal, facts, clock }) {
  let isAnswered = true
  const look = (isNow = isAnswered) => {
    isAnswered = isNow
    const waiting = journal.waiting().length
    const isOff = !navigator.onLine || !isAnswered
    bar.showTrouble(queue.trouble ?? (isOff ? "no-answer" : null), waiting, facts.ageMs)
    notice("clock", clock.isWrong ? words.clockWrong(clock.skewMs) : "")
    const limit = warningOf(journal)
    notice("limit", limit ? words.LIMIT[limit](waiting) : "")
    notice("eviction", waiting && isApple && !isInstalled ? words.INSTALL.ios : "")
  }
  queue.addEventListener("verdicts", (event) => {
    const told = toldTogether(event.detail)
    bar.showLatest(told)
    feel(told.kind)
    look(true)
  })
  queue.addEventListener("unknown-device", () => {
    for (const hidden of ["desk", "bar"]) show(element(hidden), false)
    element("scan-stop").click()
    show(element("stranger"))
    notice("revoked", words.revokedWith(journal.waiting().length))
  })
  for (const [source, event] of [[queue, "state"], [journal, "change"], [clock, "change"]]) {
    source.addEventListener(event, () => look())
  }
  addEventListener("offline", () => look())
  setInterval(() => look(), LOOK_EVERY_MS)
  look()
  return look
}

// Answers a function that asks for facts anew: without fresh ones this phone judges by older, and says so.
function keepFresh(facts, look) {
  const refresh = async () => document.hidden || look(await facts.refresh())
  setInterval(refresh, REFRESH_EVERY_MS)
  addEventListener("online", refresh)
  return refresh
}

async function showDesk(device, journal) {
  say(element("mediator"), device.mediator)
  say(element("operator"), device.operator)
  say(element("site"), device.site)
  for (const shown of ["whose", "desk", "bar"]) show(element(shown))
  const others = await journal.waitingOfOthers()
  notice("others", others.map(([name, count]) => words.waitingOfOther(name, count)).join(" "))
}

function offerUpdate(apply) {
  const button = document.createElement("button")
  button.textContent = words.UPDATE
  button.addEventListener("click", apply)
  notice("update", words.UPDATE_READY, button)
}
