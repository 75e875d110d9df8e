// Pictures of a playing video, each when the reader is free for it. None is taken while nobody looks.

const THOROUGH_EVERY = 4
const TIMER_MS = 60
const STALL_MS = 1_500
const STALLS_MAX = 2

// Ends when told to, or when a video that is looked at shows nothing new: cameras die silently.
export async function* picturesOf(video, signal) {
  for (let count = 1, stalls = 0; stalls < STALLS_MAX; ) {
    const isNew = await nextPicture(video, signal)
    if (signal.aborted) return
    stalls = isNew || document.hidden ? 0 : stalls + 1
    const picture = isNew && !document.hidden && (await grab(video))
    if (picture) yield { picture, isThorough: count++ % THOROUGH_EVERY === 0 }
  }
}

// Answers whether one came in time.
function nextPicture(video, signal) {
  return new Promise((resolve) => {
    const end = (isNew) => {
      clearTimeout(timer)
      signal.onabort = null
      resolve(isNew)
    }
    signal.onabort = () => end(false)
    const canTell = "requestVideoFrameCallback" in video
    const timer = setTimeout(end, canTell ? STALL_MS : TIMER_MS, !canTell)
    if (canTell) video.requestVideoFrameCallback(() => end(true))
  })
}

// Null is no error: another one follows.
async function grab(video) {
  try {
    return globalThis.VideoFrame ? new VideoFrame(video) : await createImageBitmap(video)
  } catch {
    return null
  }
}
