// The menu: language, sound, and how to install the page on this phone.

import { family, installation, isInstalled } from "./browser.js"
import { element, say, show } from "./elements.js"
import { isMuted, mute } from "./feedback.js"
import { chooseLanguage, language, words } from "./language.js"

export function openMenu() {
  const [chosen, sound, install] = ["language", "sound", "install"].map(element)
  chosen.value = language
  sound.checked = !isMuted()
  chosen.addEventListener("change", () => chooseLanguage(chosen.value))
  sound.addEventListener("change", () => mute(!sound.checked))
  install.addEventListener("click", () => installation.offer.prompt())
  const button = element("menu-open")
  button.disabled = false
  button.addEventListener("click", () => {
    const { offer } = installation
    show(install, offer !== null)
    say(element("install-words"), words.INSTALL[advice(offer)])
    element("menu").showModal()
  })
}

function advice(offer) {
  if (isInstalled) return "done"
  if (offer) return "ready"
  return family === "safari" ? "ios" : "other"
}
