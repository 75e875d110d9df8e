// The desk of an enrolled device: the ways in (typed, photographed) meet the journal, the queue and the list.

import { newAttempt } from "./attempt.js"
import * as bar from "./bar.js"
import { checkPass } from "./checks.js"
import { element, say, show } from "./elements.js"
import { CannotKeep, Journal } from "./journal.js"
import { openMode } from "./mode.js"
import { openPhoto } from "./photo.js"
import { Queue } from "./queue.js"
import { openService } from "./service.js"
import { openTyping } from "./typing.js"
import { openUndo } from "./undo.js"
import { VerdictList } from "./verdict_list.js"
import { CANNOT_KEEP, revokedWith, waitingOfOther } from "./words.js"

export function openDesk(device) {
  const journal = new Journal(device)
  const queue = new Queue(journal)
  const list = new VerdictList()
  const service = openService(device)
  const { isTest } = openMode()

  // Answers whether it took charge: written down first, sent after.
  const take = (passes) => {
    if (!service.isChosen()) return false
    try {
      journal.add(passes.map(({ code, pass }) => newAttempt({ code, pass, service: service.chosen() })))
    } catch (error) {
      if (!(error instanceof CannotKeep)) throw error
      say(element("notice"), CANNOT_KEEP)
      return false
    }
    bar.forgetLatest()
    queue.send()
    return true
  }
  const test = async (code) => {
    const tested = await checkPass(code, service.chosen())
    list.addTest(tested)
    bar.showLatest([tested])
  }
  openTyping((code) => (isTest() ? (test(code), true) : take([{ code }])))
  openPhoto({ take, isTest, service })

  followJournal(journal, list)
  followQueue(queue, journal)
  showDesk(device, journal)
  journal.dropOld()
  queue.send()
}

function followJournal(journal, list) {
  journal.addEventListener("change", () => {
    list.show(journal.attempts())
    bar.showSums(journal.attempts())
  })
  const undo = openUndo(journal)
  list.addEventListener("undo", (event) => undo(event.detail))
  element("new-session").addEventListener("click", () => {
    list.forgetTests()
    journal.startAfresh()
  })
}

function followQueue(queue, journal) {
  queue.addEventListener("verdicts", (event) => bar.showLatest(event.detail))
  queue.addEventListener("state", () => bar.showTrouble(queue.trouble))
  queue.addEventListener("unknown-device", () => {
    show(element("desk"), false)
    show(element("stranger"))
    say(element("notice"), revokedWith(journal.waiting().length))
  })
  element("send-now").addEventListener("click", () => queue.send())
}

function showDesk(device, journal) {
  say(element("mediator"), device.mediator)
  say(element("operator"), device.operator)
  say(element("site"), device.site)
  for (const shown of ["whose", "desk", "bar"]) show(element(shown))
  const others = journal.waitingOfOthers().map(([name, count]) => waitingOfOther(name, count))
  if (others.length > 0) say(element("notice"), others.join(" "))
}
