/** Entries of answers, checked in this browser while they are looked at. */
import { effect, type Signal, signal } from "@preact/signals";
import type { Entry } from "../shared/entry";
import { IdleQueue } from "./queue";
import { pinnedNames } from "./state";
import type { Verdict } from "./verdict";

const MOST_AT_ONCE = 4;
const MOST_ALIVE = 20_000; // references, of which many may be to entries that are shown no more

interface Watched {
  readonly entry: Entry;
  readonly verdict: Signal<Verdict>;
}

/** By the message of the answer, since what it says is compared: another answer may say something else of a leaf. */
const watched = new WeakMap<object, Watched>();
const alive = new Set<WeakRef<Watched>>();
const queue = new IdleQueue(MOST_AT_ONCE);
let isListening = false;

/** The verdict on an entry; the first call begins the check. The same message has the same signal. */
export function verdictOf(entry: Entry): Signal<Verdict> {
  const message = entry.stream === "spans" ? entry.span : entry.record;
  const known = watched.get(message);
  if (known) return known.verdict;
  const made: Watched = { entry, verdict: signal<Verdict>({ kind: "waiting" }) };
  watched.set(message, made);
  if (entry.evidence?.logId) {
    remember(made);
    check(made);
    listen();
  } else {
    made.verdict.value = { kind: "unproved", reason: entry.evidence?.reason || "it is in no log" };
  }
  return made.verdict;
}

function remember(entry: Watched): void {
  if (alive.size >= MOST_ALIVE) {
    for (const reference of alive) if (!reference.deref() || alive.size > MOST_ALIVE / 2) alive.delete(reference);
  }
  alive.add(new WeakRef(entry));
}

function check(entry: Watched): void {
  queue.add(async () => {
    try {
      const { verdictNow } = await import("./checks");
      entry.verdict.value = await verdictNow(entry.entry);
    } catch {
      entry.verdict.value = { kind: "unproved", reason: "it could not be checked: the server was not reached" };
    }
  });
}

/** Check everything again when the reader pins a key, or unpins one. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  let before = pinnedNames.peek();
  effect(() => {
    const now = pinnedNames.value;
    if (now === before) return;
    const isFirst = before === undefined; // checks wait for the keys to be read
    before = now;
    if (!isFirst) checkAgain();
  });
  // Another tab may have changed them.
  addEventListener("focus", () => void import("./pinned_keys").then(({ readPinnedKeys }) => readPinnedKeys()));
}

function checkAgain(): void {
  for (const reference of alive) {
    const entry = reference.deref();
    if (entry) check(entry);
    else alive.delete(reference);
  }
}
