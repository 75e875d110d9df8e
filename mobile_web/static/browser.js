// Which browser this is, only where the advice to a person depends on it. Nothing else may.

const AGENT = navigator.userAgent

// An iPad says that it is a Mac, which has no touch screen.
export const isApple = /iPhone|iPad/.test(AGENT) || (/Mac/.test(AGENT) && navigator.maxTouchPoints > 1)
export const isInstalled = matchMedia("(display-mode: standalone)").matches || navigator.standalone === true
export const family = isApple ? "safari" : /Firefox/.test(AGENT) ? "firefox" : "chrome"

// The browser offers to install the page, once, and early: kept for when the person asks.
export const installation = { offer: null }
addEventListener("beforeinstallprompt", (event) => {
  event.preventDefault()
  installation.offer = event
})
