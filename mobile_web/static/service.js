// The service rendered: chosen once per workshop and remembered by this browser.

import { element, say } from "./elements.js"
import { words } from "./language.js"

const KEY = "poincon.service"

export function openService(device) {
  const choice = element("service")
  for (const code of device.services) {
    choice.add(new Option(device.service_labels?.[code] ?? words.serviceName(code), code))
  }
  choice.value = remembered(device.services)
  choice.addEventListener("change", () => {
    localStorage.setItem(KEY, choice.value)
    tellProblem("")
  })

  return {
    chosen: () => choice.value || null,
    // Answers whether it is there, and else asks the person for it.
    isChosen() {
      if (choice.value) return true
      tellProblem(words.CHOOSE_SERVICE)
      choice.focus()
      return false
    },
  }
}

function remembered(services) {
  if (services.length === 1) return services[0]
  const last = localStorage.getItem(KEY)
  return services.includes(last) ? last : ""
}

function tellProblem(problem) {
  say(element("service-problem"), problem)
  element("service").ariaInvalid = problem ? "true" : "false"
}
