// What is heard and felt of each pass: read, good, again, refused. The screen says the same in words.

const KEY = "poincon.muted"
const VOLUME = 0.25
const NOTE_MS = 90

// Notes in hertz, one after the other, and the phone's buzz in milliseconds.
const NOTED = { notes: [880], buzz: [40] }
const GOOD = { notes: [880, 1320], buzz: [70] }
const AGAIN = { notes: [587, 587], buzz: [40, 60, 40] }
const REFUSED = { notes: [294, 220, 220], buzz: [250, 80, 250] }
const FELT_OF = {
  waiting: NOTED,
  accepted: GOOD,
  acceptable: GOOD,
  practice: GOOD,
  undone: NOTED,
  again: AGAIN,
}

let speaker

export const isMuted = () => localStorage.getItem(KEY) === "yes"

export function mute(isMute) {
  localStorage.setItem(KEY, isMute ? "yes" : "no")
}

export function feel(kind) {
  const { notes, buzz } = FELT_OF[kind] ?? REFUSED
  // Not on iPhones, and refused before the first touch.
  if (navigator.userActivation?.hasBeenActive ?? true) navigator.vibrate?.(buzz)
  if (!isMuted()) play(notes)
}

function play(notes) {
  speaker ??= new AudioContext()
  // A phone call suspends it, and so does a browser that nobody touched yet.
  if (speaker.state !== "running") speaker.resume().catch(() => {})
  notes.forEach((hertz, place) => {
    const note = speaker.createOscillator()
    const gain = speaker.createGain()
    const start = speaker.currentTime + (place * NOTE_MS) / 1000
    note.type = hertz < 300 ? "square" : "sine"
    note.frequency.value = hertz
    gain.gain.setValueAtTime(VOLUME, start)
    gain.gain.exponentialRampToValueAtTime(0.001, start + NOTE_MS / 1000)
    note.connect(gain).connect(speaker.destination)
    note.start(start)
    note.stop(start + NOTE_MS / 1000)
  })
}
