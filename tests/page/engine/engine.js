// The engine without the page's looks: `window.engine` for tests, opened as main.js opens it.

async (wish) => {
  const parts = ["store", "journal", "queue", "facts", "clock", "intake", "judge", "limits", "calls"]
  const modules = await Promise.all(parts.map((name) => import(`/page/${name}.js`)))
  const { openStore, Journal, Queue, Facts, Clock, Intake, ...rest } = Object.assign({}, ...modules)
  const store = await openStore()
  const facts = await Facts.open(store)
  if (!facts.device) await facts.whose()
  if (!wish?.isOffline) await facts.refresh()
  const journal = await Journal.open(store, facts.device)
  const clock = new Clock()
  const queue = new Queue(journal, clock)
  const engine = { ...rest, store, facts, journal, clock, queue, mode: "take", service: "premiers-pas", told: [] }
  engine.intake = new Intake({
    journal,
    queue,
    facts,
    clock,
    modeOf: () => engine.mode,
    serviceOf: () => engine.service,
  })
  engine.events = []
  queue.addEventListener("verdicts", ({ detail }) => engine.told.push(...detail))
  for (const name of ["unknown-device"]) queue.addEventListener(name, () => engine.events.push(name))
  facts.addEventListener("device", () => engine.events.push("device"))
  // For locators, which the page's policy lets wait where polled functions may not.
  const show = () => {
    const count = (state) => journal.attempts().filter((attempt) => attempt.state === state).length
    for (const state of ["waiting", "accepted", "refused", "undone", "unclear"]) {
      document.documentElement.setAttribute(`data-${state}`, count(state))
    }
  }
  journal.addEventListener("change", show)
  queue.addEventListener("state", () => document.documentElement.setAttribute("data-trouble", queue.trouble ?? ""))
  show()
  window.engine = engine
  queue.send()
}
