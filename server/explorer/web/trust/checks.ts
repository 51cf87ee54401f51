/** The checks of entries, with what they share: pinned keys, key changes, checkpoints seen. Loaded when needed. */
import { ApiError } from "../api/client";
import { hasRole } from "../app/session";
import type { Entry } from "../common/entry";
import { logIdOf } from "../common/log_id";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { fingerprintOf, type Key, parseVerifierKey } from "../proof/keys";
import { noteOf } from "../proof/note";
import { changesOf, consistencyProofOf } from "./asked";
import { watchLogs } from "./checkpoints";
import { checkEntry, type Trust, type Voucher } from "./entry_check";
import { keepFinding } from "./findings";
import { Histories, type HistoryMeans } from "./histories";
import { allSeenChanges, keptCheckpoints, replace, seenChanges } from "./kept";
import { longer, NotInForce, unvouched, type Vouched, voucherOf, withSeen } from "./log_keys";
import { believedKeys, readPinnedKeys } from "./pinned_keys";
import { replacedIn } from "./replaced";
import { SeenRoots } from "./seen";
import { lastLook, logFindings, pinnedKeys, pinnedNames } from "./state";
import type { Verdict } from "./verdict";
import { findingOfLog, type KeptCheckpoint, type LogFinding, lastChange } from "./witness";

interface Seen {
  readonly roots: SeenRoots;
  readonly histories: Histories;
}

let looked: Promise<void> | undefined;
let seen: { accepted: number; made: Promise<Seen> } | undefined;
let trust: { names: string; made: Promise<Trust> } | undefined;

/** Check an entry with the keys that are pinned now. Throws ApiError if the server was needed and not reached. */
export async function verdictNow(entry: Entry): Promise<Verdict> {
  if (!pinnedKeys.peek()) await readPinnedKeys();
  return checkEntry(entry, await trustNow());
}

/**
 * Compare a checkpoint, whose signature is valid, and its log's key changes with what this browser keeps of the log;
 * returns why that was not possible, undefined if one continues the other. Throws VerificationError if they contradict
 * each other.
 */
export async function historyOf(checkpoint: Checkpoint, changes: readonly string[]): Promise<string | undefined> {
  const { histories } = await seenNow();
  const reason = await histories.compare(checkpoint, changes);
  await compareWithSeen(checkpoint);
  return reason ?? doubtOf(checkpoint, changes);
}

/** A sentence if the key may be one that somebody stole after it was replaced; undefined if nothing suggests that. */
async function doubtOf(checkpoint: Checkpoint, changes: readonly string[]): Promise<string | undefined> {
  const seen = await allSeenChanges();
  if (!(await replacedIn(checkpoint, changes, seen))) return undefined;
  // The log's own change may have been stored since this page asked.
  const own = longer(seen.get(checkpoint.origin), changes);
  const told = withSeen(checkpoint, own, (await changesOf(checkpoint, true).catch(() => undefined)) ?? []);
  const vouched = await voucherOf(checkpoint, await believedKeys(), async () => told, own);
  const log = await replacedIn(checkpoint, vouched?.changes ?? changes, seen);
  if (!log) return undefined;
  const where = hasRole("auditor") ? `the log ${log}` : "another log";
  return `its key was replaced in ${where}, and nothing shows that it still signs this one`;
}

/** Keep a finding, on every page, if a key signed a checkpoint that was not in force; any other error is none. */
export async function reportForeign(checkpoint: Checkpoint, error: unknown): Promise<void> {
  if (error instanceof NotInForce) await report("BATCH_FOREIGN_SIGNED", checkpoint, error.message);
}

async function report(kind: LogFinding["kind"], checkpoint: Checkpoint, message: string): Promise<void> {
  const { origin } = checkpoint;
  const kept = (await keptOf(origin)) ?? lastChange(await logIdOf(origin), origin, await seenChanges(origin));
  if (kept) await keepFinding(findingOfLog(kind, kept, message, new Date().toISOString(), noteOf(checkpoint)));
}

/** Compare a checkpoint with those of its size that were seen. A contradiction is kept as a finding, and thrown. */
async function compareWithSeen(checkpoint: Checkpoint): Promise<void> {
  try {
    (await seenNow()).roots.compare(checkpoint);
  } catch (error) {
    if (error instanceof VerificationError) await report("LOG_FORKED", checkpoint, error.message);
    throw error;
  }
}

function trustNow(): Promise<Trust> {
  const names = pinnedNames.peek() ?? "";
  if (trust?.names === names) return trust.made;
  const made = makeTrust();
  trust = { names, made };
  made.catch(() => {
    if (trust?.made === made) trust = undefined; // the database may be open again later
  });
  return made;
}

async function makeTrust(): Promise<Trust> {
  const pinned = await believedKeys();
  const vouchers = new Map<string, Promise<Voucher | undefined>>();
  return {
    voucherOf: async (checkpoint) => {
      // Entries of a batch have one checkpoint, whose signatures are checked once with the key changes that were seen.
      const note = `${noteOf(checkpoint)}\n${(await seenChanges(checkpoint.origin)).length}`;
      const known = vouchers.get(note);
      if (known) return known;
      const found = pinned.length ? pinnedVoucher(checkpoint, pinned) : firstSeenVoucher(checkpoint);
      vouchers.set(note, found);
      found.catch(() => vouchers.delete(note)); // the server may be reached again, or tell of a key change
      return found;
    },
    compareWithSeen,
    compareHistory: async (checkpoint, changes) => {
      const reason = await (await seenNow()).histories.compare(checkpoint, changes);
      return reason ?? doubtOf(checkpoint, changes);
    },
  };
}

async function pinnedVoucher(checkpoint: Checkpoint, pinned: readonly Key[]): Promise<Voucher> {
  const vouched = await vouchedNow(checkpoint, pinned);
  if (vouched) return voucher(vouched, true);
  throw unvouched(checkpoint, "no pinned key (if several servers sign, pin the key of each)");
}

/** If no key is pinned, the key that the server offered at first has at least to stay the same. */
async function firstSeenVoucher(checkpoint: Checkpoint): Promise<Voucher | undefined> {
  const kept = await keptOf(checkpoint.origin);
  if (!kept) return undefined;
  const vouched = await vouchedNow(checkpoint, await Promise.all(kept.keys.map(parseVerifierKey)));
  if (vouched) return voucher(vouched, false);
  throw unvouched(checkpoint, "no key that this browser saw before");
}

async function vouchedNow(checkpoint: Checkpoint, keys: readonly Key[]): Promise<Vouched | undefined> {
  try {
    return await voucherOf(checkpoint, keys, changesOf, await seenChanges(checkpoint.origin));
  } catch (error) {
    await reportForeign(checkpoint, error);
    throw error;
  }
}

/** Require that a pinned key, or else one that was seen first, vouches for a checkpoint after these key changes. */
async function requireVouched(checkpoint: Checkpoint, kept: KeptCheckpoint, changes: readonly string[]): Promise<void> {
  const pinned = await believedKeys();
  const keys = pinned.length ? pinned : await Promise.all(kept.keys.map(parseVerifierKey));
  try {
    if (await voucherOf(checkpoint, keys, async () => changes, kept.changes)) return;
  } catch (error) {
    await reportForeign(checkpoint, error);
    throw error;
  }
  throw unvouched(checkpoint, "no key that is pinned or was seen before");
}

async function voucher({ key, changes }: Vouched, isPinned: boolean): Promise<Voucher> {
  return { key: await fingerprintOf(key), isPinned, changes };
}

async function keptOf(origin: string): Promise<KeptCheckpoint | undefined> {
  return (await keptCheckpoints()).find((kept) => kept.origin === origin);
}

/** Everything that this browser saw, except of logs that the reader has accepted as they are now. */
function seenNow(): Promise<Seen> {
  const accepted = logFindings.peek().filter(({ acknowledged }) => acknowledged).length;
  if (seen?.accepted === accepted) return seen.made;
  const made = seenBefore();
  seen = { accepted, made };
  made.catch(() => {
    if (seen?.made === made) seen = undefined;
  });
  return made;
}

async function seenBefore(): Promise<Seen> {
  const roots = new SeenRoots();
  for (const { note } of await keptCheckpoints()) roots.compare(parseCheckpoint(note, "a kept checkpoint"));
  const means: HistoryMeans = {
    keptOf: async (origin) => (await keptOf(origin)) ?? (await firstLook().then(() => keptOf(origin))),
    replace,
    report: keepFinding,
    requireVouched,
    consistencyProofOf,
    refusalOf,
    now: () => Date.now(),
  };
  return { roots, histories: new Histories(means) };
}

/** On the first visit, the page may show records before its browser has looked at the logs. */
function firstLook(): Promise<void> {
  looked ??= lastLook.peek() ? Promise.resolve() : watchLogs().catch(() => undefined); // the banner tells it
  return looked;
}

function refusalOf(error: unknown): { reason: string; isFinal: boolean } | undefined {
  if (!(error instanceof ApiError)) return undefined;
  if (error.isForbidden)
    return { reason: "only auditors may ask for the proof that a log has only grown", isFinal: true };
  return { reason: `the server did not prove that its log has only grown: ${error.message}`, isFinal: false };
}
