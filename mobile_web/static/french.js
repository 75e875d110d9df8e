// Amounts, counts, instants and passes as French screens write them. No sentence.
// « Pass » does not change in the plural.

export const NBSP = "\u00a0"
const EUROS = new Intl.NumberFormat("fr-FR", { style: "currency", currency: "EUR" })
const BOOKLET = new Intl.NumberFormat("fr-FR", { minimumIntegerDigits: 6 })
const PARIS = { timeZone: "Europe/Paris" }
const DAY = new Intl.DateTimeFormat("fr-FR", { ...PARIS, day: "numeric", month: "long", year: "numeric" })
const CLOCK = new Intl.DateTimeFormat("fr-FR", { ...PARIS, hour: "numeric", minute: "2-digit" })

export function euros(cents) {
  return EUROS.format(cents / 100)
}

export function passes(count) {
  return `${count}${NBSP}pass`
}

export function passName({ booklet, number }) {
  return `Carnet n°${NBSP}${BOOKLET.format(booklet)}, pass${NBSP}${number}`
}

export function clock(instant) {
  return CLOCK.format(new Date(instant)).replace(":", `${NBSP}h${NBSP}`)
}

export function day(instant) {
  return DAY.format(new Date(instant)).replace(/^1 /, "1er ").replaceAll(" ", NBSP)
}

// « encaissé » agrees with how many passes there are.
export function agreed(word, count) {
  return word.endsWith("é") && count > 1 ? `${word}s` : word
}
