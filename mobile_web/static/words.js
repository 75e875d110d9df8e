// The sentences on the screen, in French. Spaces before « : ; ! ? » never break a line.

import { NBSP, agreed, clock, day, euros, passes } from "./french.js"

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
export const CANNOT_KEEP =
  `Cet appareil ne peut plus rien garder en mémoire${NBSP}: ce pass n’a pas été envoyé. Fermez la navigation privée, ou libérez de la place.`
export const REVOKED =
  `Cet appareil n’est plus reconnu${NBSP}: il a été révoqué, ou remplacé. Demandez un nouveau lien d’enregistrement.`

export const ENROLMENT = {
  refused: "Ce lien a déjà servi, ou date de plus de dix minutes. Demandez-en un nouveau.",
  "no-answer": "Le service ne répond pas. Ouvrez de nouveau le lien dans un instant.",
}

export const TAKE = "Encaisser"
export const TEST = "Tester"
export const WAITING = `Pas encore encaissé${NBSP}: nouvel essai…`
export const TO_VERIFY = "À vérifier"
export const NOT_TESTED = "Test impossible"
export const NOTHING_TAKEN = "Rien n’a été encaissé."
export const READ_PASS = "Pass lu par son QR code"

export const UNCLEAR = {
  reused: "Cet envoi a déjà servi pour un autre pass ou un autre appareil. Prévenez le mandataire.",
  malformed: `Le service n’a pas compris cet envoi. Rien n’a été encaissé${NBSP}: recommencez, ou prévenez le mandataire.`,
}

export const TROUBLE = {
  "no-answer": "Pas de réponse du service. Nouvel essai dans un instant.",
  unavailable: "Service interrompu. Nouvel essai dans un instant.",
  "too-many": `Trop de codes erronés${NBSP}: la saisie est bloquée pour un moment. Photographiez les pass.`,
}

export const TEST_TROUBLE = {
  "no-answer": "Le service ne répond pas. Rien n’a été encaissé.",
  unavailable: "Le service est interrompu. Rien n’a été encaissé.",
  "too-many": `Trop de codes erronés${NBSP}: la saisie est bloquée pour un moment. Photographiez le pass.`,
}

export const CODE_PROBLEM = {
  empty: "Tapez les 16 caractères imprimés sous le QR code.",
  short: (chars) => `Code incomplet${NBSP}: ${chars} sur 16 caractères.`,
  wrong: `Un caractère est faux${NBSP}: relisez le code, groupe par groupe. Rien n’a été envoyé.`,
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

const UNDO_PROBLEM = {
  "no-reason": `Choisissez un motif${NBSP}: il reste inscrit.`,
  "no-detail": `Précisez le motif${NBSP}: il reste inscrit.`,
  remitted: `Ce pass est déjà dans une remise${NBSP}: demandez une correction au mandataire.`,
  "no-answer": `L’annulation n’est pas confirmée${NBSP}: le service ne répond pas. Réessayez.`,
}

export function photoProblem(status) {
  return PHOTO_PROBLEM[status] ?? `Le service ne répond pas. Rien n’a été encaissé${NBSP}: réessayez.`
}

export function undoProblem(name) {
  return UNDO_PROBLEM[name]
}

export function withDetail(reason, detail) {
  return detail ? `${reason}${NBSP}: ${detail}` : reason
}

export function total(count, cents) {
  return `${passes(count)}, ${euros(cents)}`
}

export function refused(refusal) {
  const reason = REASON_OF[refusal]
  return reason ? `Refusé${NBSP}: ${reason}` : "Refusé"
}

// When and where the pass was first taken.
export function firstTaken({ accepted_at: at, site }) {
  return `Premier encaissement${NBSP}: le ${day(at)} à ${clock(at)}, ${site}.`
}

export function accepted(cents) {
  return `Encaissé${NBSP}: ${euros(cents)}`
}

export function undone(cents) {
  return `Annulé${NBSP}: ${euros(cents)} en moins`
}

export function acceptable(cents) {
  return `Peut être encaissé${NBSP}: ${euros(cents)}`
}

export function wouldBeRefused(refusal) {
  const reason = REASON_OF[refusal]
  return reason ? `Serait refusé${NBSP}: ${reason}` : "Serait refusé"
}

export function together(acceptedCount, refusedCount, unclearCount) {
  const parts = [
    [acceptedCount, "encaissé"],
    [refusedCount, "refusé"],
    [unclearCount, "à vérifier"],
  ].filter(([count]) => count > 0)
  return parts.map(([count, word]) => `${passes(count)} ${agreed(word, count)}`).join(", ")
}

export function notYetTaken(count) {
  return `${passes(count)} pas encore ${agreed("encaissé", count)}`
}

export function waitingOfOther(name, count) {
  return `Sur cet appareil, ${notYetTaken(count)} au nom de ${name}. L’envoi reprendra quand l’appareil sera de nouveau à ce nom.`
}

export function revokedWith(count) {
  return count ? `${REVOKED} ${notYetTaken(count)}.` : REVOKED
}

export function typedPass(code) {
  return `Code ${code}`
}

export function found(count) {
  return count ? `${passes(count)} sur la photo` : "Aucun pass trouvé sur cette photo"
}

export function takeAll(count) {
  return count === 1 ? "Encaisser le pass" : `Encaisser les ${passes(count)}`
}

// « premiers-pas » is read « Premiers pas » where the server does not name the service.
export function serviceName(code) {
  const words = code.replaceAll(/[-_]/g, " ")
  return words.charAt(0).toUpperCase() + words.slice(1)
}
