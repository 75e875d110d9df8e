// The language of the screen: French, or English once chosen. Its words are fetched only then.

import * as french from "./words.js"

const KEY = "poincon.language"
const SAID_BY_ATTRIBUTES = ["aria-label", "placeholder", "content"]

export const language = localStorage.getItem(KEY) === "en" ? "en" : "fr"
export const words = language === "en" ? await import("./words_en.js").catch(() => french) : french

export function chooseLanguage(chosen) {
  localStorage.setItem(KEY, chosen)
  location.reload()
}

// The markup is French: each of its texts is looked up in the other language's table.
export function translateScreen() {
  if (!words.SCREEN) return
  document.documentElement.lang = language
  const templates = [...document.querySelectorAll("template")].map((template) => template.content)
  for (const root of [document, ...templates]) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) translate(walker.currentNode)
  }
}

function translate(node) {
  if (node.nodeType === Node.TEXT_NODE) return (node.data = translated(node.data))
  for (const name of SAID_BY_ATTRIBUTES) {
    if (node.hasAttribute(name)) node.setAttribute(name, translated(node.getAttribute(name)))
  }
}

function translated(text) {
  const meant = text.trim().replace(/\s+/g, " ")
  return words.SCREEN[meant] ? text.replace(text.trim(), words.SCREEN[meant]) : text
}
