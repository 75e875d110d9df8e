// Whether an Ed25519 signature is that of a key. The browser's own, or a library where it has none.

const LIBRARY = "/page/vendor/noble-ed25519-3.2.0/index.js"
const keys = new Map()
let library

// `x` is the public key as the keyset writes it.
export async function verifies(x, signature, message) {
  const raw = bytesOf(x)
  try {
    if (!library) {
      if (!keys.has(x)) keys.set(x, await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]))
      return await crypto.subtle.verify("Ed25519", keys.get(x), signature, message)
    }
  } catch (error) {
    if (error.name !== "NotSupportedError") throw error
    library = await import(LIBRARY)
  }
  return library.verifyAsync(signature, message, raw, { zip215: false })
}

export function bytesOf(base64url) {
  const text = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"))
  return Uint8Array.from(text, (character) => character.charCodeAt(0))
}
