// The addresses of our two workers, in the form that Trusted Types ask for. Nothing else becomes a script here.

const WORKERS = new Set(["/page/decode_worker.js", "/service_worker.js"])

const policy = globalThis.trustedTypes?.createPolicy("poincon", { createScriptURL: known })

export function workerAddress(path) {
  return policy ? policy.createScriptURL(path) : known(path)
}

function known(path) {
  if (!WORKERS.has(path)) throw new TypeError(`not a worker of ours: ${path}`)
  return path
}
