// Reads the number of a booklet from any of its passes, and opens the booklet's page. The code itself is kept
// nowhere and sent nowhere. Without a camera the number is typed.

import { CameraTrouble, openCamera } from "/page/camera.js"
import { Decoder } from "/page/decoder.js"
import { picturesOf } from "/page/frames.js"
import { readCode } from "/page/pass_code.js"
import { isTyped, meant, passOf } from "/page/short_code.js"

const [area, video, told, bar, start] = ["viseur", "image", "viseur-dit", "viser", "viser-debut"].map((id) =>
  document.getElementById(id),
)
const TROUBLE = {
  denied: "La caméra est refusée à cette page. Autorisez-la, ou tapez le numéro du carnet.",
  busy: "La caméra sert à une autre application. Fermez-la, ou tapez le numéro du carnet.",
}
const NO_CAMERA = "Pas de caméra ici : tapez le numéro du carnet."
const looking = new AbortController()
let track

function bookletOf(text) {
  if (isTyped(text)) return passOf(meant(text)).booklet
  return readCode(text).pass?.booklet
}

async function look() {
  start.disabled = true
  area.hidden = false
  told.textContent = "Montrez un pass du carnet à la caméra."
  try {
    ;({ track } = await openCamera())
    video.srcObject = new MediaStream([track])
    await video.play()
    await read(new Decoder())
  } catch (error) {
    close()
    told.textContent = (error instanceof CameraTrouble && TROUBLE[error.why]) || NO_CAMERA
  }
}

async function read(decoder) {
  await decoder.ready
  for await (const { picture, isThorough } of picturesOf(video, looking.signal)) {
    const booklets = (await decoder.read(picture, isThorough)).map(({ text }) => bookletOf(text))
    const booklet = booklets.find(Boolean)
    if (booklet) {
      close()
      location.assign(`/console/remise?carnet=${booklet}`)
      return
    }
  }
}

function close() {
  track?.stop()
  video.srcObject = null
  video.hidden = true
  start.disabled = false
}

if (navigator.mediaDevices) {
  bar.hidden = false
  start.addEventListener("click", () => {
    video.hidden = false
    look()
  })
  addEventListener("pagehide", () => {
    looking.abort()
    track?.stop()
  })
}
