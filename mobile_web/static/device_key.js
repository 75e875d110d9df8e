// The device's own key: drawn at enrolment, kept where no script can read it, signs whatever changes something.

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" }

// Answers { privateKey, publicKey: a JWK }.
export async function newDeviceKey() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(ALGORITHM, false, ["sign", "verify"])
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", publicKey)
  return { privateKey, publicKey: { kty, crv, x, y } }
}

// As keys/device_key.py verifies it: method, path with its query, and the body's SHA-256.
export async function signatureOf({ method, path, body }, privateKey) {
  const digest = await crypto.subtle.digest("SHA-256", await new Blob([body ?? ""]).arrayBuffer())
  const message = await new Blob([`poincon 1\n${method}\n${path}\n`, digest]).arrayBuffer()
  const bytes = new Uint8Array(await crypto.subtle.sign(ALGORITHM, privateKey, message))
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
}
