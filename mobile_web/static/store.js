// The browser's database, where all that must survive a crash is written. It knows nothing of what it keeps.

const NAME = "poincon"
const VERSION = 1
const DROPPED = new Set(["InvalidStateError", "AbortError"])

// What can't be written down must not be sent: `why` is "full" or "too-many".
export class CannotKeep extends Error {
  constructor(why, cause) {
    super(why, { cause })
    this.why = why
  }
}

export async function openStore() {
  const store = new Store()
  await store.open()
  return store
}

class Store {
  #database
  #hasAsked = false

  async open() {
    try {
      this.#database ??= await openDatabase(() => (this.#database = undefined))
      return this.#database
    } catch (error) {
      throw new CannotKeep("full", error)
    }
  }

  // Without it, a browser short of space may wipe everything. Some ask the person: once, and when it matters.
  askToPersist() {
    if (this.#hasAsked) return
    this.#hasAsked = true
    navigator.storage?.persist?.().catch(() => {})
  }

  // `work` is given the object store and may answer a request: resolves with what it found.
  read(name, work) {
    return this.#run(name, "readonly", work)
  }

  // Resolves once the disk has it, not sooner.
  write(name, work) {
    return this.#run(name, "readwrite", work)
  }

  // Browsers drop the connection of a page that slept, and tell only at its next use: then once more.
  async #run(name, mode, work) {
    try {
      return await transact(await this.open(), name, mode, work)
    } catch (error) {
      if (!DROPPED.has(error.name)) throw new CannotKeep("full", error)
    }
    this.#database?.close()
    this.#database = undefined
    try {
      return await transact(await this.open(), name, mode, work)
    } catch (error) {
      throw new CannotKeep("full", error)
    }
  }
}

function openDatabase(forget) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open(NAME, VERSION)
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore("attempts", { keyPath: "attemptId" }).createIndex("owner", "owner")
      opening.result.createObjectStore("facts", { keyPath: "name" })
    }
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const database = opening.result
      database.onclose = forget
      // A newer page wants another layout: an open connection would hold it up for ever.
      database.onversionchange = () => {
        database.close()
        forget()
      }
      resolve(database)
    }
  })
}

function transact(database, name, mode, work) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(name, mode, { durability: "strict" })
    transaction.onabort = () => reject(transaction.error ?? new DOMException("aborted", "AbortError"))
    const request = work(transaction.objectStore(name))
    transaction.oncomplete = () => resolve(request?.result)
  })
}
