/**
 * Values that this browser keeps for a server: pinned keys, checkpoints, findings. IndexedDB keeps it per origin, so every
 * server has its own. Where the browser keeps nothing, such as in some private windows, it lasts as long as the page.
 */

/** Places for values, each with its own keys. */
const STORES = ["keys", "checkpoints", "findings"] as const;
type Store = (typeof STORES)[number];

const VERSION = 1;
const memory = new Map<string, unknown>();
let opened: Promise<IDBDatabase | undefined> | undefined;

/** All values of a store. */
export async function all<T>(store: Store): Promise<T[]> {
  const database = await open();
  if (!database) return [...memory].filter(([key]) => key.startsWith(`${store}/`)).map(([, value]) => value as T);
  return done<T[]>(database.transaction(store).objectStore(store).getAll());
}

/**
 * Replace a value, in one transaction, so that two tabs do not undo each other's.
 *
 * @param store the store
 * @param key key of the value
 * @param change gets the value that is there, and returns the one to keep: undefined removes it
 */
export async function update<T>(
  store: Store,
  key: string,
  change: (now: T | undefined) => T | undefined,
): Promise<void> {
  const database = await open();
  if (!database) {
    const next = change(memory.get(`${store}/${key}`) as T | undefined);
    if (next === undefined) memory.delete(`${store}/${key}`);
    else memory.set(`${store}/${key}`, next);
    return;
  }
  const transaction = database.transaction(store, "readwrite");
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

function open(): Promise<IDBDatabase | undefined> {
  opened ??= new Promise((resolve) => {
    try {
      const request = indexedDB.open("lognotary", VERSION);
      request.onupgradeneeded = () => {
        for (const store of STORES) request.result.createObjectStore(store);
      };
      request.onsuccess = () => resolve(request.result);
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
