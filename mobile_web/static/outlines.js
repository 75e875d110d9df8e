// Outlines of the codes in view, where the video shows them: a symbol as well as a colour, and no movement.

const MARK_OF = {
  accepted: ["✓", "#15803d"],
  waiting: ["↻", "#1d4ed8"],
  tested: ["○", "#1d4ed8"],
  practice: ["○", "#7c3aed"],
  again: ["=", "#475569"],
  refused: ["✗", "#b91c1c"],
}
const PENDING = ["…", "#475569"]
const ATTENTION = ["!", "#b45309"]
const LINE_PX = 4
const MARK_PX = 16

// The video is shown whole (object-fit: contain): what is on the screen is what is read.
export function drawOutlines(canvas, video, sightings) {
  const { clientWidth: width, clientHeight: height } = canvas
  // Giving a canvas its size empties it.
  Object.assign(canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio })
  const { videoWidth, videoHeight } = video
  const scale = Math.min(width / videoWidth, height / videoHeight)
  const context = canvas.getContext("2d")
  context.scale(devicePixelRatio, devicePixelRatio)
  context.translate(width / 2, height / 2)
  for (const { corners, kind } of sightings) {
    const places = corners.map(([x, y]) => [(x - 0.5) * videoWidth * scale, (y - 0.5) * videoHeight * scale])
    outline(context, places, kind ? (MARK_OF[kind] ?? ATTENTION) : PENDING)
  }
}

function outline(context, places, [symbol, colour]) {
  const [x, y] = [0, 1].map((axis) => places.reduce((sum, place) => sum + place[axis] / places.length, 0))
  context.beginPath()
  for (const place of places) context.lineTo(...place)
  context.closePath()
  stroke(context, "#fff", LINE_PX * 2)
  stroke(context, colour, LINE_PX)
  context.beginPath()
  context.arc(x, y, MARK_PX, 0, 7)
  stroke(context, "#fff", LINE_PX)
  context.fillStyle = colour
  context.fill()
  const font = `bold ${MARK_PX * 1.4}px sans-serif`
  Object.assign(context, { fillStyle: "#fff", font, textAlign: "center", textBaseline: "middle" })
  context.fillText(symbol, x, y)
}

function stroke(context, strokeStyle, lineWidth) {
  Object.assign(context, { strokeStyle, lineWidth, lineJoin: "round" }).stroke()
}
