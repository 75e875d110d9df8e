// The service worker, from the page's side: registered late, and its updates offered, never forced.

import { workerAddress } from "./addresses.js"

const LOOK_EVERY_MS = 3600_000

// Event "update-ready": a whole new version waits for `applyUpdate`.
export const updates = new EventTarget()
let registration
let isControlled = Boolean(navigator.serviceWorker?.controller)

// Once the decoder has started: otherwise both would fetch it at the same time.
export async function registerWorker() {
  if (!navigator.serviceWorker) return
  try {
    registration = await navigator.serviceWorker.register(workerAddress("/service_worker.js"), {
      updateViaCache: "none",
    })
  } catch {
    return // no network, or no storage: the page works as long as it stays open
  }
  navigator.serviceWorker.addEventListener("controllerchange", reload)
  registration.addEventListener("updatefound", () => watch(registration.installing))
  watch(registration.installing)
  tellIfReady()
  setInterval(look, LOOK_EVERY_MS)
}

export function applyUpdate() {
  registration?.waiting?.postMessage("apply")
}

// Another version answers from now on: modules of two must not meet. What waits is on the disk.
function reload() {
  if (isControlled) location.reload()
  isControlled = true
}

function watch(worker) {
  worker?.addEventListener("statechange", tellIfReady)
}

// The first version of all has nothing to replace.
function tellIfReady() {
  if (registration.waiting && registration.active) updates.dispatchEvent(new Event("update-ready"))
}

function look() {
  if (!document.hidden) registration.update().catch(() => {})
}
