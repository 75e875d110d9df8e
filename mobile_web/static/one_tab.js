// One tab at a time, where the browser can tell tabs apart.

const LOCK = "poincon"
const WAIT_MS = 20_000

// Browsers may freeze a tab for as long as they like: one that holds the lock so long has lost it.
export async function alone(work) {
  if (!navigator.locks) return work()
  try {
    return await navigator.locks.request(LOCK, { signal: AbortSignal.timeout(WAIT_MS) }, work)
  } catch (error) {
    // Another tab thought so of this one, and has taken over.
    if (error.name === "AbortError") return null
    if (error.name !== "TimeoutError") throw error
    return navigator.locks.request(LOCK, { steal: true }, work)
  }
}
