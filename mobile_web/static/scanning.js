// The camera at the desk: what it reads is taken; what keeps it from reading is said, with the next best way.

import { family } from "./browser.js"
import { element, say } from "./elements.js"
import { words } from "./language.js"
import { openViewfinder } from "./viewfinder.js"

const DECODER_WAIT_MS = 5_000
const MENDED_BY_A_TOUCH = new Set(["busy", "decoder", "ended", "insecure"])

// Resolves once the decoder is there, or late enough.
export async function openScanning({ take, isReady, queue }) {
  // Asked before the camera: nobody scans thirty passes to be told that a service was to be chosen.
  const start = element("scan-start")
  element("viewfinder").addEventListener("click", holdUnlessReady, true)
  function holdUnlessReady(event) {
    if (event.target === start && !isReady()) event.stopPropagation()
  }
  const textOf = new Map() // by attempt id, of those that wait
  const onText = async (text) => {
    const { kind, attempt } = await take(text, "camera")
    if (kind === "waiting") textOf.set(attempt.attemptId, text)
    return kind
  }
  const viewfinder = openViewfinder({ onText, onTrouble: tellTrouble })
  queue.addEventListener("verdicts", ({ detail }) => {
    for (const { attemptId, state } of detail) {
      viewfinder.mark(textOf.get(attemptId), state)
      textOf.delete(attemptId)
    }
  })
  start.disabled = false
  // Another service or mode: what is still in view is told anew.
  for (const id of ["service", "mode"]) element(id).addEventListener("change", () => viewfinder.forget())
  await Promise.race([viewfinder.decoder.ready, new Promise((resolve) => setTimeout(resolve, DECODER_WAIT_MS))])
}

function tellTrouble(why) {
  const said = why ? [words.CAMERA_PROBLEM[why]] : []
  if (why === "denied") said.push(words.CAMERA_ALLOW[family])
  if (why && !MENDED_BY_A_TOUCH.has(why)) {
    said.push(words.OTHER_WAYS)
    element(matchMedia("(pointer: coarse)").matches ? "camera" : "code").focus()
  }
  say(element("camera-problem"), said.join(" "))
}
