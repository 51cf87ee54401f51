/**
 * Values that this browser keeps for a server: pinned keys, checkpoints, findings. IndexedDB keeps it per origin, so
 * every server has its own. Where the browser keeps nothing, such as in some private windows, it lasts as long as the
 * page.
 */

/** Places for values, each with its own keys. */
const STORES = ["keys", "checkpoints", "findings"] as const;
type Store = (typeof STORES)[number];

const VERSION = 1;
const memory = new Map<string, unknown>();
const readers = new Set<() => Promise<unknown>>();
let opened: Promise<IDBDatabase | undefined> | undefined;

/** All values of a store. */
export function all<T>(store: Store): Promise<T[]> {
  return onOpen(() => allNow<T>(store));
}

async function allNow<T>(store: Store): Promise<T[]> {
  const transaction = await begin(store, "readonly");
  if (!transaction) return [...memory].filter(([key]) => key.startsWith(`${store}/`)).map(([, value]) => value as T);
  return done<T[]>(transaction.objectStore(store).getAll());
}

/** Read again whenever the browser took away what was kept, such as after somebody cleared the data of this site. */
export function onLost(read: () => Promise<unknown>): void {
  readers.add(read);
}

/**
 * Replace a value, in one transaction, so that two tabs do not undo each other's.
 *
 * @param store the store
 * @param key key of the value
 * @param change gets the value that is there, and returns the one to keep: undefined removes it
 */
export function update<T>(store: Store, key: string, change: (now: T | undefined) => T | undefined): Promise<void> {
  return onOpen(() => updateNow(store, key, change));
}

async function updateNow<T>(store: Store, key: string, change: (now: T | undefined) => T | undefined): Promise<void> {
  const transaction = await begin(store, "readwrite");
  if (!transaction) {
    const next = change(memory.get(`${store}/${key}`) as T | undefined);
    if (next === undefined) memory.delete(`${store}/${key}`);
    else memory.set(`${store}/${key}`, next);
    return;
  }
  const ended = ending(transaction);
  ended.catch(() => undefined); // if reading fails, that error is the one to tell
  const values = transaction.objectStore(store);
  const next = change((await done(values.get(key))) as T | undefined);
  if (next === undefined) values.delete(key);
  else values.put(next, key);
  await ended;
}

/** Return whether values outlive the page. */
export async function isKept(): Promise<boolean> {
  return (await open()) !== undefined;
}

/** Ask the browser not to clear this when its disk gets full. Some agree only for pages that are used often. */
export function askToKeep(): void {
  globalThis.navigator?.storage?.persist?.().catch(() => undefined);
}

/** The browser closed the connection: what was asked of it has no answer. */
class Closed extends Error {}

const waiting = new Set<(error: Closed) => void>();

/** Do something with the database; once more on a new connection if the one that it had was closed meanwhile. */
async function onOpen<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await whileOpen(work());
  } catch (error) {
    const isClosed = error instanceof Closed || (error instanceof DOMException && error.name === "AbortError");
    if (isClosed) return whileOpen(work());
    throw error;
  }
}

function whileOpen<T>(work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    waiting.add(reject);
    work.then(resolve, reject).finally(() => waiting.delete(reject));
  });
}

/** Begin a transaction; undefined if the browser keeps nothing. A connection that was closed meanwhile is replaced. */
async function begin(store: Store, mode: IDBTransactionMode): Promise<IDBTransaction | undefined> {
  const database = await open();
  try {
    return database?.transaction(store, mode);
  } catch (error) {
    if (!(error instanceof DOMException && error.name === "InvalidStateError")) throw error;
    if (database) lose(database);
    return (await open())?.transaction(store, mode);
  }
}

const lost = new WeakSet<IDBDatabase>();

/** Forget a connection that was closed, and have everything read again: what is shown may be there no more. */
function lose(database: IDBDatabase): void {
  if (lost.has(database)) return;
  lost.add(database);
  opened = undefined;
  for (const reject of waiting) reject(new Closed("the browser closed its storage"));
  for (const read of readers) read().catch(console.error);
}

function open(): Promise<IDBDatabase | undefined> {
  opened ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open("lognotary", VERSION);
      request.onupgradeneeded = () => {
        for (const store of STORES) request.result.createObjectStore(store);
      };
      request.onsuccess = () => {
        const database = request.result;
        database.onclose = () => lose(database);
        database.onversionchange = () => {
          database.close(); // another tab deletes it, or has a newer version of this page
          lose(database);
        };
        resolve(database);
      };
      request.onerror = () => resolve(undefined);
      request.onblocked = () => resolve(undefined);
    } catch {
      resolve(undefined); // the browser keeps nothing
    }
  });
  return opened;
}

/** Wait until a transaction is kept: a request of it that succeeded may still be undone, such as by a full disk. */
function ending(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error ?? new Error("the browser's storage failed"));
  });
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
  });
}
