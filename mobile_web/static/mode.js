// Take passes, or test them without taking: chosen by hand, never remembered, shown all over the page.

import { element, show } from "./elements.js"
import { TAKE, TEST } from "./words.js"

export function openMode() {
  const isTest = () => document.querySelector("input[name=mode]:checked").value === "test"
  const showMode = () => {
    document.body.dataset.mode = isTest() ? "test" : "take"
    show(element("test-reminder"), isTest())
    element("send-code").textContent = isTest() ? TEST : TAKE
  }
  element("mode").addEventListener("change", showMode)
  showMode()
  return { isTest }
}
