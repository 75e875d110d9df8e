// Which of a phone's lenses, and what it can do: choice, torch, zoom. What a person chose is remembered.

import { element, show } from "./elements.js"

const KEY = "poincon.lens"
// The earlier, the better for a pass at arm's length. Names come in the browser's language.
const FRONT = /front|avant|user|selfie|facetime/i
const SPECIAL = /ultra|t[eé]l[eé]|macro|depth|profondeur|infra|desk|bureau/i
const COMBINED = /dual|double|triple/i

// What to ask for before any lens has a name.
export function wishedLens() {
  const { id } = remembered()
  return id ? { deviceId: id } : { facingMode: "environment" }
}

// The id of another lens that fits better than the given one.
export function betterLens(lenses, givenId) {
  const { id, label } = remembered()
  const given = lenses.find(({ deviceId }) => deviceId === givenId)
  const chosen = lenses.find(({ deviceId }) => deviceId === id) ?? lenses.find((one) => one.label === label)
  const best = chosen ?? lenses.find((one) => lenses.every((other) => rank(one) <= rank(other)))
  return given && (chosen || rank(best) < rank(given)) && best !== given ? best.deviceId : null
}

// Android numbers a side's lenses, the main one first; lenses that combine several also focus close.
function rank({ label }) {
  if (FRONT.test(label)) return 200
  if (SPECIAL.test(label)) return 100
  return COMBINED.test(label) ? -1 : Number(/camera2? (\d{1,2})\b/.exec(label)?.[1] ?? 0)
}

// Answers what shows the controls that a track, or none, has use for.
export function openLensControls(onChoice) {
  const [torch, zoom, choice] = ["torch", "zoom", "lens"].map(element)
  let track
  // A phone too hot or too empty refuses.
  const set = (wish) => track.applyConstraints({ advanced: [wish] }).then(() => true, () => false)

  torch.onclick = async () => {
    const isOn = torch.ariaPressed !== "true"
    if (await set({ torch: isOn })) torch.ariaPressed = isOn
  }
  zoom.oninput = () => set({ zoom: zoom.valueAsNumber })
  choice.onchange = () => {
    const [{ value: id, label }] = choice.selectedOptions
    localStorage.setItem(KEY, JSON.stringify({ id, label }))
    onChoice()
  }

  return (shown, lenses) => {
    track = shown
    const can = track?.getCapabilities?.() ?? {}
    const now = track?.getSettings() ?? {}
    torch.ariaPressed = false
    show(torch, Boolean(can.torch))
    if (can.zoom) Object.assign(zoom, { ...can.zoom, value: now.zoom })
    show(zoom.parentElement, Boolean(can.zoom))
    choice.replaceChildren(...lenses.map(({ label, deviceId }) => new Option(label, deviceId)))
    choice.value = now.deviceId
    show(choice.parentElement, lenses.length > 1)
  }
}

function remembered() {
  return JSON.parse(localStorage.getItem(KEY)) ?? {}
}
