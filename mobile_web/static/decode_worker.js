// Reads the codes in pictures, away from the page's thread. Knows neither passes nor the camera.

import { prepareZXingModule, readBarcodes } from "/page/vendor/zxing-wasm-3.1.4/es/reader/index.js"

const WASM = "/page/vendor/zxing-wasm-3.1.4/reader/zxing_reader.wasm"
const LIGHT = {
  formats: ["QRCodeModel2", "Code128"],
  maxNumberOfSymbols: 40,
  textMode: "Plain",
  tryInvert: false,
  tryHarder: false,
  tryDownscale: false,
}
const THOROUGH = { ...LIGHT, tryHarder: true, tryDownscale: true }

const context = new OffscreenCanvas(1, 1).getContext("2d", { alpha: false, willReadFrequently: true })
let bytes = new Uint8Array()

// A module that has failed fails for ever: the page then starts another worker.
const tell = (promise) => promise.then(postMessage, () => postMessage("broken"))
tell(prepareZXingModule({ overrides: { locateFile: () => WASM }, fireImmediately: true }).then(() => "ready"))
onmessage = ({ data: { picture, isThorough } }) => tell(read(picture, isThorough))

// Answers [{ text, format, corners }], corners in parts of the picture's sides.
async function read(picture, isThorough) {
  const width = picture.displayWidth ?? picture.width
  const height = picture.displayHeight ?? picture.height
  const image = (await grey(picture, width, height)) ?? coloured(picture, width, height)
  picture.close()
  const found = await readBarcodes(image, isThorough ? THOROUGH : LIGHT)
  return found.map(({ text, symbology: format, position: { topLeft, topRight, bottomRight, bottomLeft } }) => {
    const corners = [topLeft, topRight, bottomRight, bottomLeft]
    return { text, format, corners: corners.map(({ x, y }) => [x / width, y / height]) }
  })
}

// A camera's first plane is brightness alone, all that the reader wants: much cheaper than through colours.
async function grey(picture, width, height) {
  const { format, visibleRect: seen } = picture
  // A turned picture differs in its sides, and is drawn upright instead.
  if (!/^(I4..A?|NV12)$/.test(format) || seen.width !== width || seen.height !== height) return
  const head = new TextEncoder().encode(`P5 ${width} ${height} 255\n`)
  const size = head.length + picture.allocationSize()
  if (bytes.length !== size) bytes = new Uint8Array(size)
  bytes.set(head)
  const [{ offset, stride }] = await picture.copyTo(bytes.subarray(head.length))
  if (offset === 0 && stride === width) return bytes
}

function coloured(picture, width, height) {
  Object.assign(context.canvas, { width, height })
  context.drawImage(picture, 0, 0, width, height)
  return context.getImageData(0, 0, width, height)
}
