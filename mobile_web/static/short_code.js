// The printed code as a person types it: what was meant, groups of four, its check character.
// As keys/short_code.py reads it. Whether a code is genuine, only the server can tell.

export const CODE_CHARS = 16
export const TEXT_CHARS_MAX = 512
const TYPED_CHARS_MAX = 40

const GROUP_CHARS = 4
const ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
const BODY_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
const MAC_BITS = 27n
const MEANT = { O: "0", I: "1", L: "1" }
const SIGNED = /^PN[0-9]+:/i

// A QR's text, sent by a scanner that types or pasted by a person: the server alone reads it.
export function looksSigned(text) {
  return SIGNED.test(text.trim()) && text.length <= TEXT_CHARS_MAX
}

export function isTyped(text) {
  return text.length <= TYPED_CHARS_MAX && !looksSigned(text) && isWhole(meant(text))
}

export function meant(typed) {
  return typed.toUpperCase().replace(/[^0-9A-Z]/g, "").replace(/[OIL]/g, (letter) => MEANT[letter])
}

export function grouped(code) {
  return code.match(/.{1,4}/g)?.join("-") ?? ""
}

// Where the caret stands once its characters are grouped.
export function groupedLength(chars) {
  return chars + Math.max(0, Math.ceil(chars / GROUP_CHARS) - 1)
}

export function isWhole(code) {
  return code.length === CODE_CHARS && !code.slice(0, -1).includes("U") && hasItsCheckCharacter(code)
}

// Which pass it says it is. Nothing is proved.
export function passOf(code) {
  const digits = [...code.slice(0, -1)].map((character) => BigInt(BODY_ALPHABET.indexOf(character)))
  const identity = digits.reduce((bits, digit) => (bits << 5n) | digit, 0n) >> MAC_BITS
  return { booklet: Number(identity >> 8n), number: Number(identity & 255n) }
}

// ISO 7064 MOD 37,36 over the other characters; it may itself be O, I or L, which are read as 0 and 1.
function hasItsCheckCharacter(code) {
  return meant(checkCharacter(code.slice(0, -1))) === code.at(-1)
}

function checkCharacter(body) {
  const modulus = ALPHABET.length
  let sum = modulus / 2
  for (const character of body) {
    sum = (doubled(sum, modulus) + ALPHABET.indexOf(character)) % modulus
  }
  return ALPHABET[(modulus + 1 - doubled(sum, modulus)) % modulus]
}

function doubled(sum, modulus) {
  return ((sum || modulus) * 2) % (modulus + 1)
}
