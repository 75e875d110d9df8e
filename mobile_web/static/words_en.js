// The sentences on the screen, in English: words.js name for name, and SCREEN for the markup, by its French text.

const NBSP = "\u00a0"
const EUROS = new Intl.NumberFormat("en-GB", {
  style: "currency",
  currency: "EUR",
  trailingZeroDisplay: "stripIfInteger",
})
const BOOKLET = new Intl.NumberFormat("en-GB", { minimumIntegerDigits: 6 })
const PARIS = { timeZone: "Europe/Paris" }
const DAY = new Intl.DateTimeFormat("en-GB", { ...PARIS, day: "numeric", month: "long", year: "numeric" })
const CLOCK = new Intl.DateTimeFormat("en-GB", { ...PARIS, hour: "2-digit", minute: "2-digit" })
const MINUTE_MS = 60_000

export const euros = (cents) => EUROS.format(cents / 100)
export const passes = (count) => `${count}${NBSP}pass${count === 1 ? "" : "es"}`
export const passName = ({ booklet, number }) => `Booklet ${BOOKLET.format(booklet)}, pass${NBSP}${number}`
export const clock = (instant) => CLOCK.format(new Date(instant))
export const day = (instant) => DAY.format(new Date(instant)).replaceAll(" ", NBSP)

export function duration(ms) {
  const minutes = Math.max(1, Math.round(ms / MINUTE_MS))
  if (minutes < 100) return `${minutes}${NBSP}min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours}${NBSP}h` : `${Math.round(hours / 24)}${NBSP}days`
}

export const REASON_OF = {
  unreadable: "unreadable code",
  unknown_format: "unknown kind of pass",
  unknown_key: "unknown signature",
  forged: "not a genuine code",
  revoked_key: "series withdrawn",
  unknown_pass: "pass never issued",
  not_active: "booklet not active yet",
  expired: "out of date",
  cancelled: "booklet cancelled",
  operator_not_qualified: "organisation not qualified",
  service_not_covered: "service not covered",
  territory_not_covered: "another territory",
  own_prescription: "booklet handed out by yourself",
  already_accepted: "already taken",
  too_late: "arrived too late",
}

export const NEEDS_HTTPS = "Open this page by a safe address, which begins with https."
export const SERVICE_SILENT = "The service does not answer yet. Trying again…"
export const CHOOSE_SERVICE = "First choose the service rendered."
export const UPDATE_READY = "A new version is ready."
export const UPDATE = "Update"
export const REVOKED =
  "This device is no longer known: it was revoked, or replaced. Ask for a new enrolment link."
export const CANNOT_KEEP = {
  full: "This device cannot keep anything any more: this pass was not sent. Leave private browsing, or free some space.",
  "too-many": "Too many passes are waiting: this one was not kept. Connect, so that the others are sent.",
}

export const ENROLMENT = {
  refused: "This link was used already, or is more than ten minutes old. Ask for a new one.",
  "no-answer": "The service does not answer. Open the link again in a moment.",
}

export const SEND = { take: "Take", test: "Test", training: "Try" }
export const NOTHING_YET = {
  take: "The passes you take will appear here.",
  test: "The passes you test will appear here.",
  training: "Practice passes will appear here.",
}
export const TO_VERIFY = "To be looked into"
export const NOT_TESTED = "Could not be tested"
export const NOTHING_TAKEN = "Nothing was taken."
export const READ_PASS = "Pass read by its QR code"
export const WAITING_WHY = "Not sent yet."
export const TO_JUDGE_WHY = "The service will verify it."

export const AT_ONCE = {
  again: "Already in the list",
  "not-a-pass": "This is not a pass",
  "practice-refused": "Refused: practice pass",
  "real-in-training": "A real pass: nothing is taken",
}
export const GOOD_PRACTICE = "Good practice pass"
export const WEDGE_GARBLED =
  "The handheld scanner is not set well: choose this computer’s keyboard layout, no forced capitals, and Enter at the end."

export const UNCLEAR = {
  reused: "This attempt was already used for another pass or another device. Tell the trustee.",
  malformed: "The service did not understand this attempt. Nothing was taken: start again, or tell the trustee.",
}

export const TROUBLE = {
  "no-answer": "Offline.",
  unavailable: "Service interrupted.",
  "too-many": "Too many wrong codes: typing is blocked for a while. Scan the passes.",
}

export const TEST_TROUBLE = {
  "no-answer": "The service does not answer. Nothing was taken.",
  unavailable: "The service is interrupted. Nothing was taken.",
  "too-many": "Too many wrong codes: typing is blocked for a while. Scan the pass.",
}

export const CODE_PROBLEM = {
  empty: "Type the 16 characters printed under the QR code.",
  short: (chars) => `Incomplete code: ${chars} of 16 characters.`,
  wrong: "One character is wrong: read the code again, group by group. Nothing was sent.",
}
export const CODE_GOOD = "Complete code."

export const CAMERA_PROBLEM = {
  denied: "The camera is refused to this page.",
  missing: "No camera was found.",
  busy: "Another application holds the camera: close it, then press Scan.",
  insecure: NEEDS_HTTPS,
  decoder: "The reader is starting again…",
  unsupported: "This browser cannot scan: update it.",
  ended: "The camera has stopped: press Scan.",
}
export const CAMERA_ALLOW = {
  chrome: "Touch the icon left of the address, Permissions, Camera, Allow.",
  safari: "Touch the icon left of the address, Website Settings, Camera, Allow.",
  firefox: "Touch the padlock near the address, then take back the refusal of the camera.",
}
export const OTHER_WAYS = "Meanwhile, photograph the passes or type their code."

export const INSTALL = {
  done: "The application is installed.",
  ready: "It then opens without network, on the full screen.",
  ios: "Touch Share, then “Add to Home Screen”. Otherwise the iPhone erases what this page keeps after 7 days without a visit: connect before that.",
  other: "In the browser’s menu, choose “Install” or “Add to Home screen”.",
}

export const LIMIT = {
  many: (count) => `${passes(count)} waiting, 500 at most: connect, so that they are sent.`,
  full: () => "500 passes waiting, which is the most: connect before you scan others.",
  old: () => "Passes have been waiting for more than 48 h: connect. After 72 h they may be refused.",
  "too-old": () => "Passes have been waiting for more than 72 h: connect, and tell the trustee if they are refused.",
}

export const READING = "Reading the photo…"
export const PHOTO_FAILED = "The photo could not be read"
export const NOTHING_FOUND = "Come closer, avoid glare and shadow, or type the code printed under the QR code."

const PHOTO_PROBLEM = {
  401: REVOKED,
  413: "This photo is too heavy: 16 MB at most.",
  415: "This file is not a readable photo: send JPEG, PNG or WebP.",
  422: "This file is not a readable photo (JPEG, PNG or WebP, 16 MB at most). Take it again.",
}

export const photoProblem = (status) =>
  PHOTO_PROBLEM[status] ?? "The service does not answer. Nothing was taken: scan the passes, or type their code."

export const UNDO_PROBLEM = {
  "no-reason": "Choose a reason: it stays on record.",
  "no-detail": "Give the reason: it stays on record.",
  remitted: "This pass is already in a remittance: ask the trustee for a correction.",
  "no-answer": "The undo is not confirmed: the service does not answer. Try again.",
}

export const withDetail = (reason, detail) => (detail ? `${reason}${NBSP}: ${detail}` : reason)

export const total = (count, cents, isWhole = true) =>
  `${passes(count)}, ${isWhole ? "" : "at least "}${euros(cents)}`

export const taken = (acceptedCount, waitingCount) =>
  [[acceptedCount, "taken"], [waitingCount, "waiting"]]
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${word}`)
    .join(", ")

export const waiting = (cents) => (cents ? `Waiting: ${euros(cents)}` : "Waiting")
export const accepted = (cents) => `Taken: ${euros(cents)}`
export const undone = (cents) => `Undone: ${euros(cents)} less`
export const acceptable = (cents) => `Can be taken: ${euros(cents)}`
export const refused = (refusal) => (REASON_OF[refusal] ? `Refused: ${REASON_OF[refusal]}` : "Refused")
export const wouldBeRefused = (refusal) =>
  REASON_OF[refusal] ? `Would be refused: ${REASON_OF[refusal]}` : "Would be refused"

export const firstTaken = ({ accepted_at: at, site }) => `First taken on ${day(at)} at ${clock(at)}, ${site}.`

export const together = (acceptedCount, waitingCount, refusedCount, unclearCount) =>
  [
    [acceptedCount, "taken"],
    [waitingCount, "waiting"],
    [refusedCount, "refused"],
    [unclearCount, "to be looked into"],
  ]
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${passes(count)} ${word}`)
    .join(", ")

export function trouble(name, waitingCount, ageMs) {
  const parts = [TROUBLE[name]]
  if (waitingCount) parts.push(`${passes(waitingCount)} waiting.`)
  if (name === "no-answer" && ageMs !== null) parts.push(`Facts of ${duration(ageMs)} ago.`)
  return parts.join(" ")
}

export const clockWrong = (skewMs) =>
  `This phone’s clock is ${duration(Math.abs(skewMs))} ${skewMs < 0 ? "fast" : "slow"}: set it to automatic time.`

export const waitingOfOther = (name, count) =>
  `On this device, ${passes(count)} waiting in the name of ${name}. They will be sent once the device is in that name again.`

export const revokedWith = (count) => (count ? `${REVOKED} ${passes(count)} waiting, not taken.` : REVOKED)

export const typedPass = (code) => `Code ${code}`
export const found = (count) => (count ? `${passes(count)} on the photo` : "No pass found on this photo")
export const takeAll = (count) => (count === 1 ? "Take the pass" : `Take the ${passes(count)}`)

export const MONEY_SILENT = "The service does not answer: the amounts taken cannot be shown."
export const REMIT_UNSURE = "No answer. The remittance may have been closed: look at the list before you try again."
export const CERTIFY = "Tick the box to certify."
export const REMITTANCE_STATE = {
  closed: "to be paid",
  sent: "transfer under way",
  paid: "paid",
  returned: "transfer returned",
}
export const delay = (days, on) => `Payment within ${days}${NBSP}days: by ${day(on)} for a remittance made today.`
export const remitting = (count, cents) => `You remit ${passes(count)}, that is ${euros(cents)}.`
export const remittance = (number) => `Remittance no.${NBSP}${number}`
export const paidOn = (on) => `paid on ${day(on)}`
export const expectedOn = (on) => `payment expected on ${day(on)}`
export const closedOn = (at) => `closed on ${day(at)}`
export const linesHash = (hash) => `SHA-256 of the lines: ${hash}`

export function serviceName(code) {
  const words = code.replaceAll(/[-_]/g, " ")
  return words.charAt(0).toUpperCase() + words.slice(1)
}

export const SCREEN = {
  "Encaisser ou tester un pass numérique.": "Take or test a digital pass.",
  "Poinçon — encaisser un pass": "Poinçon — take a pass",
  "Ouverture…": "Opening…",
  "Cet appareil n’est pas encore enregistré": "This device is not enrolled yet",
  "Pour encaisser des pass, il doit être enregistré à votre nom.":
    "To take passes, it must be enrolled in your name.",
  "Demandez un lien d’enregistrement au responsable de votre structure ou au mandataire.":
    "Ask your organisation or the trustee for an enrolment link.",
  "Ouvrez ce lien sur cet appareil, ou photographiez le QR code qui l’accompagne. Le lien sert une seule fois, pendant dix minutes.":
    "Open that link on this device, or scan the QR code that comes with it. It works once, for ten minutes.",
  "Votre nom s’affiche en haut de l’écran : c’est prêt.": "Your name appears at the top: all is ready.",
  "Appareil perdu ou volé ? Prévenez le mandataire : il est révoqué aussitôt.":
    "Device lost or stolen? Tell the trustee: it is revoked at once.",
  "Que faire du pass ?": "What to do with the pass?",
  "Encaisser": "Take",
  "Tester sans encaisser": "Test without taking",
  "S’entraîner": "Train",
  "Mode test : rien n’est encaissé.": "Test mode: nothing is taken.",
  "ENTRAÎNEMENT – rien n’est encaissé": "TRAINING – nothing is taken",
  "Service rendu": "Service rendered",
  "Choisissez le service rendu…": "Choose the service rendered…",
  "Appareil photo": "Camera",
  "Scanner": "Scan",
  "Arrêter": "Stop",
  "Lampe": "Light",
  "Zoom": "Zoom",
  "Objectif": "Lens",
  "Plusieurs pass à la fois sont possibles. Code-barres : tenez-le à l’horizontale.":
    "Several passes at once are fine. Barcode: hold it level.",
  "Photographier": "Take a photo",
  "Choisir une photo": "Choose a photo",
  "Fermer": "Close",
  "Code imprimé sur le pass": "Code printed on the pass",
  "Cette séance": "This session",
  "Nouvelle séance": "New session",
  "Réessayer": "Try again",
  "Comptes": "Money",
  "Menu": "Menu",
  "Langue": "Language",
  "Son": "Sound",
  "Installer l’application": "Install the application",
  "Installer": "Install",
  "Aide": "Help",
  "✓ Encaissé : le service l’a inscrit, il vous est dû.": "✓ Taken: the service has recorded it, it is owed to you.",
  "↻ En file : gardé sur cet appareil, pas encore envoyé. Gardez la page, elle envoie seule.":
    "↻ Waiting: kept on this device, not sent yet. Keep the page, it sends by itself.",
  "✗ Refusé : la raison est écrite, rien n’est encaissé.": "✗ Refused: the reason is told, nothing is taken.",
  "! À vérifier : prévenez le mandataire.": "! To be looked into: tell the trustee.",
  "Une douchette branchée marche sur toute la page.": "A handheld scanner works anywhere on the page.",
  "Appareil perdu ou volé": "Device lost or stolen",
  "Prévenez tout de suite le mandataire : il le révoque aussitôt. Les pass encaissés restent dus.":
    "Tell the trustee at once, who revokes it immediately. Passes taken remain owed.",
  "Télécharger les reçus signés": "Download the signed receipts",
  "En file sur cet appareil": "Waiting on this device",
  "Encaissé, à remettre": "Taken, to be remitted",
  "Remis, pas encore payé": "Remitted, not paid yet",
  "Payé": "Paid",
  "Remettre en contre-paiement": "Remit for payment",
  "Clore le bordereau": "Close the remittance",
  "Bordereaux": "Remittances",
  "Annuler cet encaissement ?": "Undo this acceptance?",
  "Pourquoi ?": "Why?",
  "Pass encaissé par erreur": "Pass taken by mistake",
  "Atelier non rendu": "Workshop not given",
  "Trop de pass encaissés": "Too many passes taken",
  "Autre motif": "Another reason",
  "Précision": "Details",
  "Annuler l’encaissement": "Undo the acceptance",
  "Ne rien changer": "Change nothing",
  "Changer d’appareil ?": "Change device?",
  "Cet appareil est déjà enregistré :": "This device is enrolled already:",
  ". Le lien que vous ouvrez l’enregistrera à un autre nom.":
    ". The link you are opening will enrol it in another name.",
  "Utiliser le lien": "Use the link",
  "Annuler": "Undo",
}
