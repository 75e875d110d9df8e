// Reads claims in deterministic CBOR, one spelling per meaning, as keys/cbor.py does; throws RangeError on any other.

const DEPTH_MAX = 4
const [UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, SIMPLE] = [0, 1, 2, 3, 4, 5, 7]
const SMALLEST_OF_SIZE = { 1: 24, 2: 2 ** 8, 4: 2 ** 16, 8: 2 ** 32 }
const [FALSE, UNDEFINED, HALF, DOUBLE] = [20, 23, 25, 27]

// Answers a Map; values of a kind that no claim of ours has are null: read, not kept.
export function readClaims(data) {
  const claims = new Map()
  let at = 0
  const { major, argument } = head()
  if (major !== MAP) fail("claims must be a map")
  entries(argument, DEPTH_MAX, (key, value) => {
    if (typeof key !== "number" && typeof key !== "string") fail("a claim's name")
    claims.set(key, value)
  })
  if (at !== data.length) fail("bytes after the claims")
  return claims

  function take(length) {
    if (at + length > data.length) fail("cut short")
    at += length
    return data.subarray(at - length, at)
  }

  // The kind of the next item, and its number or length.
  function head() {
    const [first] = take(1)
    const [major, info] = [first >> 5, first & 31]
    if (info < 24) return { major, argument: info }
    if (info > 27) fail("an indefinite length")
    const size = 1 << (info - 24)
    const argument = take(size).reduce((number, byte) => number * 256 + byte, 0)
    if (argument < SMALLEST_OF_SIZE[size]) fail("a number too long")
    return { major, argument }
  }

  function item(depth) {
    if (data[at] >> 5 === SIMPLE) return skipSimple()
    const { major, argument } = head()
    if (major === UNSIGNED) return argument
    if (major === NEGATIVE) return -1 - argument
    if (major === BYTES) return take(argument)
    if (major === TEXT) return readText(take(argument))
    if (depth === 0) fail("nested too deep")
    if (major === MAP) entries(argument, depth - 1, () => {})
    else for (let left = major === ARRAY ? argument : 1; left > 0; left--) item(depth - 1)
    return null
  }

  function entries(count, depth, keep) {
    let previous = new Uint8Array()
    for (let left = count; left > 0; left--) {
      const start = at
      const key = item(depth)
      const spelled = data.subarray(start, at)
      if (!isAfter(spelled, previous)) fail("a key twice or out of order")
      previous = spelled
      keep(key, item(depth))
    }
  }

  function skipSimple() {
    const info = take(1)[0] & 31
    if (info >= FALSE && info <= UNDEFINED) return null
    if (info < HALF || info > DOUBLE) fail("a value without a meaning")
    const { buffer, byteOffset, length } = take(1 << (info - 24))
    if (!isShortest(new DataView(buffer, byteOffset, length), info)) fail("a float too long")
    return null
  }
}

function fail(why) {
  throw new RangeError(why)
}

function readText(bytes) {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch {
    fail("not UTF-8")
  }
}

// Of the three widths, the least that keeps the number; NaN has one spelling.
function isShortest(view, info) {
  if (info === HALF) return (view.getUint16(0) & 0x7fff) <= 0x7c00 || view.getUint16(0) === 0x7e00
  const number = info === DOUBLE ? view.getFloat64(0) : view.getFloat32(0)
  if (!Number.isFinite(number)) return false
  if (info === DOUBLE) return Math.fround(number) !== number
  const exponent = ((view.getUint32(0) >> 23) & 0xff) - 127
  // What one unit in the last place of a half is worth, for a number of this size.
  return exponent > 15 || !Number.isInteger(number / 2 ** (Math.max(exponent, -14) - 10))
}

// As Python compares bytes: the first that differs decides, then the length.
function isAfter(bytes, previous) {
  const differs = bytes.findIndex((byte, place) => byte !== previous[place])
  return differs >= 0 && !(bytes[differs] < previous[differs])
}
