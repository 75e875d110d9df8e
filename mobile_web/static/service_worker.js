// Opens the page without network: keeps one whole version of its files, answers from it, and nothing else.
// The server writes `self.RELEASE = { version, files: [{ url, sha256 }], vendor: [url] }` before this line.

const { version, files, vendor } = self.RELEASE
const PREFIX = "poincon-page-"
const OWN = PREFIX + version
const VENDOR = "poincon-vendor"
const paths = new Set(files.map(({ url }) => url))
const vendored = new Set(vendor)
// Pages that an older version opened: they reload at once, and get no module of ours meanwhile.
const outdated = new Set()

self.addEventListener("install", (event) => event.waitUntil(install()))
self.addEventListener("activate", (event) => event.waitUntil(activate()))
self.addEventListener("message", ({ data }) => {
  if (data === "apply") self.skipWaiting()
})
self.addEventListener("fetch", (event) => {
  const { origin, pathname } = new URL(event.request.url)
  if (origin !== location.origin || event.request.method !== "GET") return
  if (vendored.has(pathname)) event.respondWith(fromVendor(event.request))
  else if (paths.has(pathname)) event.respondWith(fromOwn(event, pathname))
})

// All or nothing: a file that is not of this version, or does not come, and the old version stays.
async function install() {
  try {
    const own = await caches.open(OWN)
    await Promise.all(files.map((file) => keep(own, file)))
    const kept = await caches.open(VENDOR)
    await Promise.all(vendor.map(async (url) => (await kept.match(url)) ?? ((await isNeeded(url)) && kept.add(url))))
  } catch (error) {
    await caches.delete(OWN)
    throw error
  }
}

async function keep(cache, { url, sha256 }) {
  const response = await fetch(url, { cache: "no-cache" })
  if (!response.ok) throw new Error(`${url}: ${response.status}`)
  const digest = await crypto.subtle.digest("SHA-256", await response.clone().arrayBuffer())
  const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("")
  if (!hex.startsWith(sha256)) throw new Error(`${url} is of another version`)
  await cache.put(url, response)
}

// The library of signatures is for browsers that have none of their own.
async function isNeeded(url) {
  if (!url.includes("ed25519")) return true
  return crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]).then(() => false, () => true)
}

async function activate() {
  const names = await caches.keys()
  const old = names.filter((name) => name.startsWith(PREFIX) && name !== OWN)
  if (old.length > 0) {
    for (const client of await clients.matchAll({ type: "all" })) outdated.add(client.id)
  }
  await Promise.all(old.map((name) => caches.delete(name)))
  const kept = await caches.open(VENDOR)
  const gone = (await kept.keys()).filter(({ url }) => !vendored.has(new URL(url).pathname))
  await Promise.all(gone.map((request) => kept.delete(request)))
  // The first visit is enough to work offline afterwards.
  await clients.claim()
}

async function fromOwn({ request, clientId }, pathname) {
  if (request.mode !== "navigate" && outdated.has(clientId)) return Response.error()
  return (await caches.match(pathname, { cacheName: OWN })) ?? fetch(request)
}

async function fromVendor(request) {
  const kept = await caches.match(request, { cacheName: VENDOR })
  if (kept) return kept
  const response = await fetch(request)
  if (response.ok) (await caches.open(VENDOR)).put(request, response.clone())
  return response
}
