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
