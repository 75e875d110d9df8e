// The page's elements by name, and what is done to many of them.

export function element(id) {
  const found = document.getElementById(id)
  if (!found) throw new Error(`the page has no #${id}`)
  return found
}

export function fromTemplate(id) {
  return element(id).content.firstElementChild.cloneNode(true)
}

export function show(shown, isShown = true) {
  shown.hidden = !isShown
}

// An empty text takes no room.
export function say(where, words) {
  where.textContent = words
  show(where, words !== "")
}

// One paragraph a subject, so that what is no longer so can be taken away.
export function notice(subject, words, button) {
  const place = element("notice")
  const known = place.querySelector(`[data-subject=${subject}]`)
  if (known?.firstChild.data === words) return
  known?.remove()
  if (!words) return
  const told = document.createElement("p")
  told.dataset.subject = subject
  told.append(words, ...(button ? [button] : []))
  place.append(told)
}
