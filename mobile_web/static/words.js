// The sentences on the screen, in French, with amounts and instants as French writes them.
// What the markup says itself is not here. Spaces before « : ; ! ? » never break a line.

const NBSP = "\u00a0"
const EUROS = new Intl.NumberFormat("fr-FR", {
  style: "currency",
  currency: "EUR",
  trailingZeroDisplay: "stripIfInteger",
})
const BOOKLET = new Intl.NumberFormat("fr-FR", { minimumIntegerDigits: 6 })
const PARIS = { timeZone: "Europe/Paris" }
const DAY = new Intl.DateTimeFormat("fr-FR", { ...PARIS, day: "numeric", month: "long", year: "numeric" })
const CLOCK = new Intl.DateTimeFormat("fr-FR", { ...PARIS, hour: "numeric", minute: "2-digit" })
const MINUTE_MS = 60_000

export const euros = (cents) => EUROS.format(cents / 100)

// « Pass » does not change in the plural.
export const passes = (count) => `${count}${NBSP}pass`

export const passName = ({ booklet, number }) =>
  `Carnet n°${NBSP}${BOOKLET.format(booklet)}, pass${NBSP}${number}`

export const clock = (instant) => CLOCK.format(new Date(instant)).replace(":", `${NBSP}h${NBSP}`)

export const day = (instant) => DAY.format(new Date(instant)).replace(/^1 /, "1er ").replaceAll(" ", NBSP)

export function duration(ms) {
  const minutes = Math.max(1, Math.round(ms / MINUTE_MS))
  if (minutes < 100) return `${minutes}${NBSP}min`
  const hours = Math.round(minutes / 60)
  return hours < 48 ? `${hours}${NBSP}h` : `${Math.round(hours / 24)}${NBSP}jours`
}

// « Encaissé » agrees with how many passes there are.
const agreed = (word, count) => (word.endsWith("é") && count > 1 ? `${word}s` : word)

// One for each refusal of the server (design.md, 4); it says the rest in its own message.
export const REASON_OF = {
  unreadable: "code illisible",
  unknown_format: "modèle de pass inconnu",
  unknown_key: "signature inconnue",
  forged: "code non authentique",
  revoked_key: "série retirée",
  unknown_pass: "pass jamais émis",
  not_active: "carnet pas encore activé",
  expired: "date passée",
  cancelled: "carnet annulé",
  operator_not_qualified: "structure non qualifiée",
  service_not_covered: "service non couvert",
  territory_not_covered: "autre territoire",
  own_prescription: "carnet remis par vous-même",
  already_accepted: "déjà encaissé",
  too_late: "arrivé trop tard",
}

export const NEEDS_HTTPS = "Ouvrez cette page par une adresse sûre, qui commence par https."
export const SERVICE_SILENT = "Le service ne répond pas encore. Nouvel essai…"
export const CHOOSE_SERVICE = "Choisissez d’abord le service rendu."
export const UPDATE_READY = "Une nouvelle version est prête."
export const UPDATE = "Mettre à jour"
export const REVOKED =
  `Cet appareil n’est plus reconnu${NBSP}: il a été révoqué, ou remplacé. Demandez un nouveau lien d’enregistrement.`
export const CANNOT_KEEP = {
  full: `Cet appareil ne peut plus rien garder en mémoire${NBSP}: ce pass n’a pas été envoyé. Fermez la navigation privée, ou libérez de la place.`,
  "too-many": `Trop de pass attendent${NBSP}: celui-ci n’a pas été gardé. Connectez-vous pour envoyer les autres.`,
}

export const ENROLMENT = {
  refused: "Ce lien a déjà servi, ou date de plus de dix minutes. Demandez-en un nouveau.",
  "no-answer": "Le service ne répond pas. Ouvrez de nouveau le lien dans un instant.",
}

export const SEND = { take: "Encaisser", test: "Tester", training: "Essayer" }
export const NOTHING_YET = {
  take: "Les pass encaissés s’afficheront ici.",
  test: "Les pass testés s’afficheront ici.",
  training: "Les pass d’entraînement s’afficheront ici.",
}
export const TO_VERIFY = "À vérifier"
export const NOT_TESTED = "Test impossible"
export const NOTHING_TAKEN = "Rien n’a été encaissé."
export const READ_PASS = "Pass lu par son QR code"
export const WAITING_WHY = "Pas encore envoyé."
export const TO_JUDGE_WHY = "Le service le vérifiera."

// What is said at once of a text that did not become an attempt.
export const AT_ONCE = {
  again: "Déjà dans la liste",
  "not-a-pass": "Ce n’est pas un pass",
  "practice-refused": `Refusé${NBSP}: pass d’entraînement`,
  "real-in-training": `Vrai pass${NBSP}: rien n’est encaissé`,
}
export const GOOD_PRACTICE = "Bon pass d’entraînement"
export const WEDGE_GARBLED =
  `Douchette mal réglée${NBSP}: choisissez le clavier français, sans majuscules forcées, et Entrée à la fin.`

export const UNCLEAR = {
  reused: "Cet envoi a déjà servi pour un autre pass ou un autre appareil. Prévenez le mandataire.",
  malformed: `Le service n’a pas compris cet envoi. Rien n’a été encaissé${NBSP}: recommencez, ou prévenez le mandataire.`,
}

export const TROUBLE = {
  "no-answer": "Hors ligne.",
  unavailable: "Service interrompu.",
  "too-many": `Trop de codes erronés${NBSP}: la saisie est bloquée pour un moment. Scannez les pass.`,
}

export const TEST_TROUBLE = {
  "no-answer": "Le service ne répond pas. Rien n’a été encaissé.",
  unavailable: "Le service est interrompu. Rien n’a été encaissé.",
  "too-many": `Trop de codes erronés${NBSP}: la saisie est bloquée pour un moment. Scannez le pass.`,
}

export const CODE_PROBLEM = {
  empty: "Tapez les 16 caractères imprimés sous le QR code.",
  short: (chars) => `Code incomplet${NBSP}: ${chars} sur 16 caractères.`,
  wrong: `Un caractère est faux${NBSP}: relisez le code, groupe par groupe. Rien n’a été envoyé.`,
}
export const CODE_GOOD = "Code complet."

export const CAMERA_PROBLEM = {
  denied: "L’appareil photo est refusé à cette page.",
  missing: "Aucun appareil photo trouvé.",
  busy: `Une autre application tient l’appareil photo${NBSP}: fermez-la, puis touchez Scanner.`,
  insecure: NEEDS_HTTPS,
  decoder: "Le lecteur redémarre…",
  unsupported: `Ce navigateur ne sait pas scanner${NBSP}: mettez-le à jour.`,
  ended: `L’appareil photo s’est arrêté${NBSP}: touchez Scanner.`,
}
export const CAMERA_ALLOW = {
  chrome: "Touchez l’icône à gauche de l’adresse, Autorisations, Appareil photo, Autoriser.",
  safari: "Touchez l’icône à gauche de l’adresse, Réglages du site web, Appareil photo, Autoriser.",
  firefox: "Touchez le cadenas près de l’adresse, puis retirez le refus de la caméra.",
}
export const OTHER_WAYS = "En attendant, photographiez les pass ou tapez leur code."

export const INSTALL = {
  done: "L’application est installée.",
  ready: "Elle s’ouvre alors sans réseau, en plein écran.",
  ios: `Touchez Partager, puis «${NBSP}Sur l’écran d’accueil${NBSP}». Sinon, l’iPhone efface ce que cette page garde après 7 jours sans visite${NBSP}: connectez-vous avant.`,
  other: `Dans le menu du navigateur, choisissez «${NBSP}Installer${NBSP}» ou «${NBSP}Ajouter à l’écran d’accueil${NBSP}».`,
}

export const LIMIT = {
  many: (count) => `${passes(count)} en file, 500 au plus${NBSP}: connectez-vous pour les envoyer.`,
  full: () => `500${NBSP}pass en file, c’est le plus${NBSP}: connectez-vous avant d’en scanner d’autres.`,
  old: () => `Des pass attendent depuis plus de 48${NBSP}h${NBSP}: connectez-vous. Après 72${NBSP}h, ils risquent un refus.`,
  "too-old": () => `Des pass attendent depuis plus de 72${NBSP}h${NBSP}: connectez-vous, et prévenez le mandataire s’ils sont refusés.`,
}

export const READING = "Lecture de la photo…"
export const PHOTO_FAILED = "Photo non lue"
export const NOTHING_FOUND =
  "Approchez-vous, évitez les reflets et l’ombre, ou tapez le code imprimé sous le QR code."

const PHOTO_PROBLEM = {
  401: REVOKED,
  413: `Cette photo est trop lourde${NBSP}: 16 Mo au plus.`,
  415: `Ce fichier n’est pas une photo lisible${NBSP}: envoyez du JPEG, du PNG ou du WebP.`,
  422: "Ce fichier n’est pas une photo lisible (JPEG, PNG ou WebP, 16 Mo au plus). Reprenez la photo.",
}

export const photoProblem = (status) =>
  PHOTO_PROBLEM[status] ?? `Le service ne répond pas. Rien n’a été encaissé${NBSP}: scannez les pass, ou tapez leur code.`

export const UNDO_PROBLEM = {
  "no-reason": `Choisissez un motif${NBSP}: il reste inscrit.`,
  "no-detail": `Précisez le motif${NBSP}: il reste inscrit.`,
  remitted: `Ce pass est déjà dans une remise${NBSP}: demandez une correction au mandataire.`,
  "no-answer": `L’annulation n’est pas confirmée${NBSP}: le service ne répond pas. Réessayez.`,
}

export const withDetail = (reason, detail) => (detail ? `${reason}${NBSP}: ${detail}` : reason)

// `isWhole` is false where a pass that waits has not told its value yet.
export const total = (count, cents, isWhole = true) =>
  `${passes(count)}, ${isWhole ? "" : "au moins "}${euros(cents)}`

export const taken = (acceptedCount, waitingCount) =>
  [[acceptedCount, "encaissé"], [waitingCount, "en file"]]
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${count} ${agreed(word, count)}`)
    .join(", ")

export const waiting = (cents) => (cents ? `En file${NBSP}: ${euros(cents)}` : "En file")
export const accepted = (cents) => `Encaissé${NBSP}: ${euros(cents)}`
export const undone = (cents) => `Annulé${NBSP}: ${euros(cents)} en moins`
export const acceptable = (cents) => `Peut être encaissé${NBSP}: ${euros(cents)}`
export const refused = (refusal) => (REASON_OF[refusal] ? `Refusé${NBSP}: ${REASON_OF[refusal]}` : "Refusé")
export const wouldBeRefused = (refusal) =>
  REASON_OF[refusal] ? `Serait refusé${NBSP}: ${REASON_OF[refusal]}` : "Serait refusé"

// When and where the pass was first taken.
export const firstTaken = ({ accepted_at: at, site }) =>
  `Premier encaissement${NBSP}: le ${day(at)} à ${clock(at)}, ${site}.`

export const together = (acceptedCount, waitingCount, refusedCount, unclearCount) =>
  [[acceptedCount, "encaissé"], [waitingCount, "en file"], [refusedCount, "refusé"], [unclearCount, "à vérifier"]]
    .filter(([count]) => count > 0)
    .map(([count, word]) => `${passes(count)} ${agreed(word, count)}`)
    .join(", ")

// What keeps passes from being sent, and how old the facts are by which this phone judges meanwhile.
export function trouble(name, waitingCount, ageMs) {
  const parts = [TROUBLE[name]]
  if (waitingCount) parts.push(`${passes(waitingCount)} en file.`)
  if (name === "no-answer" && ageMs !== null) parts.push(`Données d’il y a ${duration(ageMs)}.`)
  return parts.join(" ")
}

// `skewMs` is what to add to the phone's clock to be right.
export const clockWrong = (skewMs) =>
  `L’horloge de ce téléphone ${skewMs < 0 ? "avance" : "retarde"} de ${duration(Math.abs(skewMs))}${NBSP}: réglez-la sur l’heure automatique.`

export const waitingOfOther = (name, count) =>
  `Sur cet appareil, ${passes(count)} en file au nom de ${name}. L’envoi reprendra quand l’appareil sera de nouveau à ce nom.`

export const revokedWith = (count) => (count ? `${REVOKED} ${passes(count)} en file, pas ${agreed("encaissé", count)}.` : REVOKED)

export const typedPass = (code) => `Code ${code}`
export const found = (count) => (count ? `${passes(count)} sur la photo` : "Aucun pass trouvé sur cette photo")
export const takeAll = (count) => (count === 1 ? "Encaisser le pass" : `Encaisser les ${passes(count)}`)

export const MONEY_SILENT = `Le service ne répond pas${NBSP}: les montants encaissés ne peuvent pas être affichés.`
export const REMIT_UNSURE = `Pas de réponse. Le bordereau est peut-être clos${NBSP}: regardez la liste avant de recommencer.`
export const CERTIFY = "Cochez la case pour certifier."
export const REMITTANCE_STATE = { closed: "à payer", sent: "virement en cours", paid: "payé", returned: "virement rejeté" }
export const delay = (days, on) => `Paiement sous ${days}${NBSP}jours${NBSP}: le ${day(on)} au plus tard pour une remise faite aujourd’hui.`
export const remitting = (count, cents) => `Vous remettez ${passes(count)}, soit ${euros(cents)}.`
export const remittance = (number) => `Bordereau n°${NBSP}${number}`
export const paidOn = (on) => `payé le ${day(on)}`
export const expectedOn = (on) => `paiement attendu le ${day(on)}`
export const closedOn = (at) => `clos le ${day(at)}`
export const linesHash = (hash) => `Empreinte SHA-256 des lignes${NBSP}: ${hash}`

// « premiers-pas » is read « Premiers pas » where the server does not name the service.
export function serviceName(code) {
  const words = code.replaceAll(/[-_]/g, " ")
  return words.charAt(0).toUpperCase() + words.slice(1)
}
