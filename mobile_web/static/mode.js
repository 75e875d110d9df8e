// Take passes, test them without taking, or train: chosen by hand, never remembered, shown all over the page.

import { element, show } from "./elements.js"
import { words } from "./language.js"

export function openMode() {
  const modeOf = () => document.querySelector("input[name=mode]:checked").value
  const showMode = () => {
    const mode = modeOf()
    document.body.dataset.mode = mode
    show(element("test-reminder"), mode === "test")
    show(element("training-reminder"), mode === "training")
    element("send-code").textContent = words.SEND[mode]
    element("nothing-yet").textContent = words.NOTHING_YET[mode]
  }
  element("mode").addEventListener("change", showMode)
  showMode()
  return modeOf
}
