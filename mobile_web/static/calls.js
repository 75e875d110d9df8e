// Calls to our own server. What comes back is an answer, a Problem it told us, or NoAnswer: nobody knows.
// The device's badge is a cookie that no script can read.

const ANSWER_TIMEOUT_MS = 15_000
const PHOTO_TIMEOUT_MS = 60_000

// The request may have been carried out: only a resend with the same ids may follow.
export class NoAnswer extends Error {}

export class Problem extends Error {
  constructor(status, detail, retryAfterMs) {
    super(detail)
    this.status = status
    this.retryAfterMs = retryAfterMs
  }

  get isForLater() {
    return this.status >= 500 || this.status === 429
  }

  get isUnknownDevice() {
    return this.status === 401
  }
}

const listeners = []
let deviceKey = null

// From now on, what changes something is signed; null: no longer.
export function signWith(key) {
  deviceKey = key
}

// `listen` is told of each answer, whatever it says: { date, sentAt, receivedAt }.
export function onContact(listen) {
  listeners.push(listen)
}

export function get(path) {
  return call(path, { method: "GET" })
}

export function post(path, body) {
  return call(path, { method: "POST", body: JSON.stringify(body) }, "application/json")
}

export function postPhoto(path, file) {
  return call(path, { method: "POST", body: file }, file.type || "application/octet-stream", PHOTO_TIMEOUT_MS)
}

async function call(path, request, contentType, timeoutMs = ANSWER_TIMEOUT_MS) {
  const headers = { Accept: "application/json", "Accept-Language": document.documentElement.lang }
  if (contentType) headers["Content-Type"] = contentType
  const signal = AbortSignal.timeout(timeoutMs)
  let response, body
  try {
    if (deviceKey && request.body) {
      const { signatureOf } = await import("./device_key.js")
      headers["X-Device-Signature"] = await signatureOf({ ...request, path }, deviceKey)
    }
    const sentAt = Date.now()
    response = await fetch(path, { ...request, headers, signal, cache: "no-store", redirect: "error" })
    tellContact(response, sentAt)
    body = await response.json()
  } catch (error) {
    if (response && !response.ok) throw problem(response, {})
    throw new NoAnswer(path, { cause: error })
  }
  if (!response.ok) throw problem(response, body)
  return body
}

function tellContact(response, sentAt) {
  const contact = { date: response.headers.get("Date"), sentAt, receivedAt: Date.now() }
  for (const listen of listeners) listen(contact)
}

function problem(response, body) {
  const retryAfterSeconds = Number(response.headers.get("Retry-After")) || 0
  return new Problem(response.status, body?.detail ?? "", retryAfterSeconds * 1000)
}
