// One physical scan and its id. A resend keeps the id, and so is never a second scan.

// `pass` is who it is, where this phone or a check could tell; a typed code tells it once judged.
// Times are by the device's own clock; `skewMs` is how wrong it was known to be.
export function newAttempt({ code, pass, service, source, skewMs = null, now = Date.now() }) {
  return {
    attemptId: newAttemptId(now),
    code,
    pass,
    service,
    source,
    scannedAt: new Date(now).toISOString(),
    skewMs,
    state: "waiting",
  }
}

// UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then chance. Ids of one moment are neighbours in the record.
export function newAttemptId(now) {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  for (let place = 0; place < 6; place++) {
    bytes[place] = Math.floor(now / 2 ** (8 * (5 - place))) % 256
  }
  bytes[6] = 0x70 | (bytes[6] & 0x0f)
  bytes[8] = 0x80 | (bytes[8] & 0x3f)
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}
