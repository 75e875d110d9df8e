// The code in a pass's QR: what it says, byte for byte as keys/pass_code.py reads it. No signature is checked.

import { readClaims } from "./claims.js"

const PREFIX = "PN1:"
const OTHER_FORMAT = /^PN[0-9]{1,3}:/
const TEXT_CHARS_MAX = 154
const ENVELOPE_BYTES_MAX = 100
const EXPIRES_AT_MAX = 253_402_300_799
const [EXP, CTI] = [4, 7]
const CTI_BYTES = 6

const BASE45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"

// COSE_Sign1 leaves one layout: [tag] 84 protected A0 payload 58 40 signature.
const TAG = 0xd2
const HEAD_BEFORE_KID = [0x84, 0x49, 0xa2, 0x01, 0x27, 0x04, 0x44]
const NO_UNPROTECTED = 0xa0
const [KID_AT, PAYLOAD_AT] = [7, 12]
const SIGNATURE_HEAD = [0x58, 0x40]
const SIGNATURE_BYTES = 64
const TO_VERIFY_HEAD = [0x84, 0x6a, ...new TextEncoder().encode("Signature1")]
const NO_EXTERNAL_DATA = 0x40

// Answers { fault } or { pass: { booklet, number }, expiresAt (s), kid, toVerify, signature }.
export function readCode(text) {
  if (isLonger(text)) return { fault: "unreadable" }
  if (!text.startsWith(PREFIX)) return { fault: OTHER_FORMAT.test(text) ? "unknown_format" : "unreadable" }
  try {
    const { payload, ...envelope } = readEnvelope(decodeBase45(text.slice(PREFIX.length)))
    return { ...envelope, ...readPayload(payload) }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return { fault: "unreadable" }
  }
}

// In characters, of which the browser counts some twice.
function isLonger(text) {
  return text.length > 2 * TEXT_CHARS_MAX || [...text].length > TEXT_CHARS_MAX
}

export function decodeBase45(text) {
  const bytes = []
  for (let at = 0; at < text.length; at += 3) {
    const digits = [...text.slice(at, at + 3)].map((character) => BASE45.indexOf(character))
    const value = digits[0] + 45 * digits[1] + 2025 * (digits[2] ?? 0)
    if (digits.includes(-1) || !(value <= (digits.length === 3 ? 0xffff : 0xff))) {
      throw new RangeError("not Base45")
    }
    if (digits.length === 3) bytes.push(value >> 8)
    bytes.push(value & 0xff)
  }
  return Uint8Array.from(bytes)
}

function readEnvelope(data) {
  if (data.length > ENVELOPE_BYTES_MAX) throw new RangeError("too long")
  const untagged = data[0] === TAG ? data.subarray(1) : data
  const signatureAt = untagged.length - SIGNATURE_BYTES
  const wrapped = untagged.subarray(PAYLOAD_AT, Math.max(PAYLOAD_AT, signatureAt - SIGNATURE_HEAD.length))
  const payload = wrapped.subarray(wrapped.length <= 24 ? 1 : 2)
  const expected = [
    ...HEAD_BEFORE_KID,
    ...untagged.subarray(KID_AT, PAYLOAD_AT - 1),
    NO_UNPROTECTED,
    ...byteStringHead(payload.length),
    ...payload,
    ...SIGNATURE_HEAD,
  ]
  if (expected.length !== signatureAt || expected.some((byte, place) => byte !== untagged[place])) {
    throw new RangeError("not an envelope of this format")
  }
  return {
    kid: untagged.slice(KID_AT, PAYLOAD_AT - 1),
    payload,
    toVerify: Uint8Array.from([
      ...TO_VERIFY_HEAD,
      ...untagged.subarray(1, PAYLOAD_AT - 1),
      NO_EXTERNAL_DATA,
      ...wrapped,
    ]),
    signature: untagged.slice(signatureAt),
  }
}

function byteStringHead(length) {
  return length < 24 ? [0x40 | length] : [0x58, length]
}

function readPayload(payload) {
  const claims = readClaims(payload)
  const [expiresAt, cti] = [claims.get(EXP), claims.get(CTI)]
  if (!(typeof expiresAt === "number" && expiresAt > 0 && expiresAt <= EXPIRES_AT_MAX)) {
    throw new RangeError("exp must be an instant in whole seconds")
  }
  if (!(cti instanceof Uint8Array) || cti.length !== CTI_BYTES || cti[5] === 0) {
    throw new RangeError("cti must be a booklet and a pass number")
  }
  const booklet = cti.subarray(0, 5).reduce((number, byte) => number * 256 + byte, 0)
  return { pass: { booklet, number: cti[5] }, expiresAt }
}
