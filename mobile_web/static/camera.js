// The camera: opened with the right lens, and closed; what is wrong with it is a code. Reads nothing.

import { betterLens, wishedLens } from "./lens.js"

// Sharp enough for ten passes in one picture, small enough for an old phone.
const PICTURE = { width: 1280, height: 720, frameRate: 30 }
const TROUBLE = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "missing",
  OverconstrainedError: "missing",
  NotReadableError: "busy",
  AbortError: "busy",
}

export class CameraTrouble extends Error {
  constructor(why, cause) {
    super(why, { cause })
    this.why = why
  }
}

// Answers { track, lenses }, or throws CameraTrouble.
export async function openCamera() {
  let track = await ask(wishedLens())
  const devices = await navigator.mediaDevices.enumerateDevices()
  const lenses = devices.filter(({ kind }) => kind === "videoinput")
  const exact = betterLens(lenses, track.getSettings().deviceId)
  if (exact) {
    // Phones open one lens at a time.
    track.stop()
    track = await ask({ deviceId: { exact } })
  }
  if (track.getCapabilities?.().focusMode?.includes("continuous")) {
    await track.applyConstraints({ advanced: [{ focusMode: "continuous" }] }).catch(() => {})
  }
  return { track, lenses }
}

// While it may, opening the camera anew asks nobody anything.
export async function mayOpenUnasked() {
  const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null)
  return permission?.state === "granted"
}

async function ask(lens) {
  if (!isSecureContext) throw new CameraTrouble("insecure")
  if (!navigator.mediaDevices) throw new CameraTrouble("unsupported")
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ video: { ...PICTURE, ...lens } })
    return stream.getTracks()[0]
  } catch (error) {
    throw new CameraTrouble(TROUBLE[error.name] ?? "unsupported", error)
  }
}
