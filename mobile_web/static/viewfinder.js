// The viewfinder: camera, decoder and outlines together, for as long as somebody looks. Judges nothing.

import { CameraTrouble, mayOpenUnasked, openCamera } from "./camera.js"
import { Decoder } from "./decoder.js"
import { element, show } from "./elements.js"
import { picturesOf } from "./frames.js"
import { openLensControls } from "./lens.js"
import { drawOutlines } from "./outlines.js"
import { Sightings } from "./sightings.js"

const KEY = "poincon.camera"
const REOPEN_MS = 500

// `onText(text, format)` answers what became of it, a kind; `onTrouble(why)` is told null once it is over.
export const openViewfinder = (hands) => new Viewfinder(hands)

class Viewfinder {
  decoder = new Decoder()
  #hands
  #video = element("preview")
  #sightings = new Sightings()
  #showLens = openLensControls(() => this.#reopen())
  #isWanted = false
  #track = null
  #hasEnded = false
  #watching
  #screen
  #turn = Promise.resolve()

  constructor(hands) {
    this.#hands = hands
    const tend = () => this.#tend()
    element("scan-start").onclick = () => this.start()
    element("scan-stop").onclick = () => this.stop()
    document.addEventListener("visibilitychange", tend)
    navigator.mediaDevices?.addEventListener("devicechange", tend)
    this.decoder.addEventListener("lost", () => hands.onTrouble("decoder"))
    this.decoder.addEventListener("back", () => hands.onTrouble(null))
    this.#close()
    this.#startAsBefore()
  }

  get isOpen() {
    return this.#track?.readyState === "live"
  }

  // Resolves once the camera runs, or has told its trouble.
  start() {
    return this.#want(true)
  }

  stop() {
    return this.#want(false)
  }

  mark(text, kind) {
    this.#sightings.mark(text, kind)
  }

  // What is in view is told anew, because the service or the mode has changed.
  forget() {
    this.#sightings.forget()
  }

  async #startAsBefore() {
    if (localStorage.getItem(KEY) === "open" && (await mayOpenUnasked())) this.start()
  }

  #want(isWanted) {
    this.#isWanted = isWanted
    localStorage.setItem(KEY, isWanted ? "open" : "closed")
    return this.#tend()
  }

  #reopen() {
    this.#close("opening")
    return this.#tend()
  }

  // One turn after the other: a camera told to open and to close at once does neither.
  #tend() {
    return (this.#turn = this.#turn.catch(() => {}).then(() => this.#tendNow()))
  }

  async #tendNow() {
    if (!this.#isWanted) this.#close()
    // Out of sight it is given back, unless a person would have to allow it again.
    else if (document.hidden) (await mayOpenUnasked()) && this.#close("waiting")
    else if (!this.isOpen) await this.#open()
    await this.#keepScreenOn()
  }

  async #open() {
    this.#close("opening")
    try {
      const { track, lenses } = await openCamera()
      this.#track = track
      this.#hasEnded = false
      track.onended = () => {
        this.#hasEnded = true
        setTimeout(() => this.#tend(), REOPEN_MS)
      }
      this.#video.srcObject = new MediaStream([track])
      this.#video.play().catch(() => {})
      this.#showLens(track, lenses)
      this.#showState("open")
      this.#hands.onTrouble(null)
      this.#watch()
    } catch (error) {
      if (!(error instanceof CameraTrouble)) throw error
      this.#close()
      const isDenied = error.why === "denied"
      // Who said no is not asked again by a phone that was turned over.
      if (isDenied) this.#isWanted = false
      this.#hands.onTrouble(this.#hasEnded && !isDenied ? "ended" : error.why)
    }
  }

  #close(state = "closed") {
    this.#watching?.abort()
    this.#track?.stop()
    this.#track = this.#video.srcObject = null
    this.#draw([])
    this.#showLens(null, [])
    this.#showState(state)
  }

  async #watch() {
    const { signal } = (this.#watching = new AbortController())
    await this.decoder.ready
    for await (const { picture, isThorough } of picturesOf(this.#video, signal)) {
      const codes = await this.decoder.read(picture, isThorough)
      if (signal.aborted) return
      const { fresh, inView } = this.#sightings.see(codes, performance.now())
      for (const sighting of fresh) this.#tell(sighting)
      this.#draw(inView)
    }
    if (!signal.aborted) this.#reopen()
  }

  async #tell(sighting) {
    sighting.kind = await this.#hands.onText(sighting.text, sighting.format)
  }

  #draw(sightings) {
    drawOutlines(element("outlines"), this.#video, sightings)
  }

  #showState(state) {
    const isClosed = state === "closed"
    const [start, stop] = ["scan-start", "scan-stop"].map(element)
    const [shown, hidden] = isClosed ? [start, stop] : [stop, start]
    const hadFocus = document.activeElement === hidden
    element("viewfinder").dataset.state = state
    show(shown)
    show(hidden, false)
    if (hadFocus) shown.focus()
  }

  async #keepScreenOn() {
    if (!this.isOpen || document.hidden) this.#screen = void this.#screen?.release()
    else if (!this.#screen || this.#screen.released) {
      // Refused when the battery is low.
      this.#screen = await navigator.wakeLock?.request("screen").catch(() => {})
    }
  }
}
