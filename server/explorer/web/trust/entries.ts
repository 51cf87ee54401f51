/** Entries of answers, checked in this browser while they are looked at. */
import { effect, type Signal, signal } from "@preact/signals";
import { ApiError } from "../api/client";
import { type Entry, mayBeUnsigned } from "../common/entry";
import { IdleQueue } from "./queue";
import { lastLook, pinnedNames } from "./state";
import type { Verdict } from "./verdict";

/** The name of the finding: these are not words of verification, which knows no pages. */
const REPEATED = "shown twice";
const MOST_AT_ONCE = 4;
const FIRST_SWEEP = 20_000; // references, of which many may be to entries that are shown no more
const PAUSE = 5000; // ms, before what the server did not answer is asked again; doubled each time
const LONGEST_PAUSE = 60_000;

interface Watched {
  readonly entry: Entry;
  readonly verdict: Signal<Verdict>;
  /** Checks that were begun. */
  checks: number;
  /** True if the server did not answer the last check, and may answer another. */
  isPostponed: boolean;
}

/** By the message of the answer, since what it says is compared: another answer may say something else of a leaf. */
const watched = new WeakMap<object, Watched>();
const alive = new Set<WeakRef<Watched>>();
const queue = new IdleQueue(MOST_AT_ONCE);
let isListening = false;
let sweepAt = FIRST_SWEEP;
let pause = PAUSE;
let retry: ReturnType<typeof setTimeout> | undefined;

/** The verdict on an entry; the first call begins the check. The same message has the same signal. */
export function verdictOf(entry: Entry): Signal<Verdict> {
  const message = entry.stream === "spans" ? entry.span : entry.record;
  const known = watched.get(message);
  if (known) return known.verdict;
  const made: Watched = { entry, verdict: signal<Verdict>({ kind: "waiting" }), checks: 0, isPostponed: false };
  watched.set(message, made);
  if (entry.isRepeated) {
    made.verdict.value = {
      kind: "refuted",
      finding: REPEATED,
      message: "a log has a record once: it is listed already",
    };
  } else if (entry.evidence?.logId) {
    remember(made);
    check(made);
    listen();
  } else {
    const reason = mayBeUnsigned(entry) ? "it is in no log" : "the server does not say in which log it is";
    made.verdict.value = { kind: "unproved", reason: entry.evidence?.reason || reason };
  }
  return made.verdict;
}

function remember(entry: Watched): void {
  if (alive.size >= sweepAt) {
    for (const reference of alive) if (!reference.deref()) alive.delete(reference);
    sweepAt = Math.max(FIRST_SWEEP, 2 * alive.size);
  }
  alive.add(new WeakRef(entry));
}

function check(watched: Watched): void {
  watched.checks += 1;
  const number = watched.checks;
  queue.add(async () => {
    const { verdict, isPostponed } = await verdictOn(watched.entry);
    // A check that began before a key was pinned or unpinned must not have the last word.
    if (number !== watched.checks) return;
    watched.verdict.value = verdict;
    if (watched.isPostponed && !isPostponed) pause = PAUSE;
    watched.isPostponed = isPostponed;
    if (isPostponed) checkLater();
  });
}

async function verdictOn(entry: Entry): Promise<{ verdict: Verdict; isPostponed: boolean }> {
  try {
    const { verdictNow } = await import("./checks");
    return { verdict: await verdictNow(entry), isPostponed: false };
  } catch (error) {
    const isAnswer = error instanceof ApiError;
    if (!isAnswer) console.error(error); // a mistake of this page, or an answer in another form than it should have
    const reason = `it could not be checked: ${isAnswer ? error.message : error}`;
    return { verdict: { kind: "unproved", reason }, isPostponed: isAnswer && isPassing(error) };
  }
}

/** Return whether the server may answer the same question later: it was not reached, or has too much to do. */
const isPassing = ({ status }: ApiError): boolean => status === 0 || status === 429 || status >= 500;

function checkLater(): void {
  if (retry !== undefined) return;
  retry = setTimeout(() => {
    retry = undefined;
    if (document.hidden)
      checkLater(); // nobody looks
    else checkAgain(({ isPostponed }) => isPostponed);
  }, pause);
  pause = Math.min(2 * pause, LONGEST_PAUSE);
}

/** Check everything again when the reader pins a key, or unpins one; and what could not be compared after each look. */
function listen(): void {
  if (isListening) return;
  isListening = true;
  let before = pinnedNames.peek();
  effect(() => {
    const now = pinnedNames.value;
    if (now === before) return;
    const isFirst = before === undefined; // checks wait for the keys to be read
    before = now;
    if (!isFirst) checkAgain(() => true);
  });
  // What could not be compared may be comparable since the logs were looked at again.
  let look = lastLook.peek();
  effect(() => {
    if (lastLook.value === look) return;
    const hasNewChanges = lastLook.value?.changes !== (look?.changes ?? 0); // of any log: its keys sign others too
    look = lastLook.value;
    checkAgain(({ verdict }) => hasNewChanges || isOpen(verdict.peek()));
  });
  // Another tab may have changed them.
  addEventListener("focus", () => void import("./pinned_keys").then(({ readPinnedKeys }) => readPinnedKeys()));
}

/** Return whether another look may change a verdict: a key may have been changed just before the first one. */
const isOpen = (verdict: Verdict): boolean =>
  verdict.kind === "uncompared" || (verdict.kind === "refuted" && verdict.finding === "BATCH_FOREIGN_SIGNED");

function checkAgain(isWanted: (entry: Watched) => boolean): void {
  for (const reference of alive) {
    const entry = reference.deref();
    if (entry && isWanted(entry)) check(entry);
    else if (!entry) alive.delete(reference);
  }
}
