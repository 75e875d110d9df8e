// The viewfinder without the rest of the page, for tests: what it tells stands on <html>, where locators see it.

async () => {
  const make = (parent, tag, id, more = {}) => parent.appendChild(Object.assign(document.createElement(tag), { id, ...more }))
  document.body.replaceChildren()
  const section = make(document.body, "section", "viewfinder")
  const picture = make(section, "div", "picture")
  const video = make(picture, "video", "preview", { muted: true, playsInline: true })
  const canvas = make(picture, "canvas", "outlines")
  picture.style.cssText = "position: relative; width: 320px; height: 320px"
  for (const one of [video, canvas]) one.style.cssText = "position: absolute; width: 100%; height: 100%; object-fit: contain"
  for (const id of ["scan-start", "scan-stop", "torch"]) make(section, "button", id, { textContent: id })
  make(make(section, "label", "zoom-label"), "input", "zoom", { type: "range" })
  make(make(section, "label", "lens-label"), "select", "lens")

  const told = (window.told = [])
  const troubles = (window.troubles = [])
  const openedAt = performance.now()
  // At the edge of the page: each picture that is handed to the worker.
  window.pictures = 0
  const { postMessage } = Worker.prototype
  Worker.prototype.postMessage = function (...sent) {
    window.pictures += 1
    return postMessage.apply(this, sent)
  }
  const { openViewfinder } = await import("/page/viewfinder.js")
  window.viewfinder = openViewfinder({
    onText: async (text, format) => {
      told.push({ text, format, atMs: performance.now() - window.startedAt })
      document.documentElement.setAttribute("data-told", told.length)
      return "waiting"
    },
    onTrouble: (why) => {
      troubles.push(why)
      document.documentElement.setAttribute("data-trouble", why ?? "")
    },
  })
  await viewfinder.decoder.ready
  window.readyMs = performance.now() - openedAt
}
