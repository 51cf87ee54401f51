/**
 * The work of a witness: it compares the checkpoint that it is shown with the last one that it saw, and demands a proof
 * that the log has only grown.
 */
import type { Log } from "../api/types";
import { logIdOf } from "../common/log_id";
import { areEqual } from "../proof/bytes";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint";
import { malformed, VerificationError } from "../proof/errors";
import { ED25519, type Key, parseVerifierKey, verifierKeyOf } from "../proof/keys";
import { checkConsistency } from "../proof/merkle";
import { parseKeyChange } from "../proof/statement";
import { type ChangesOf, unvouched, type Vouched, voucherOf } from "./log_keys";

/** The last checkpoint of a log that this browser saw. */
export interface KeptCheckpoint {
  readonly logId: string;
  readonly origin: string;
  /** The signed note. */
  readonly note: string;
  /**
   * Verifier keys of those who vouch for it: they have to stay the same. If no key was pinned, it is the one that the
   * server offered when the log was first seen.
   */
  readonly keys: readonly string[];
  /** All key changes that were seen and checked, as signed notes: a server may leave them out later. */
  readonly changes?: readonly string[];
  /** Times at which the log was seen first and last, by RFC 3339. */
  readonly since: string;
  readonly at: string;
  /** The reader who saw it: others may not see every log. */
  readonly reader: string;
}

/** A finding about a log, with the evidence for it. */
export interface LogFinding {
  readonly id: string;
  /** Kind of the finding, as verification names it. */
  readonly kind: "LOG_FORKED" | "LOG_TRUNCATED" | "LOG_MISSING" | "BATCH_FOREIGN_SIGNED" | "BATCH_ALTERED";
  readonly origin: string;
  readonly logId: string;
  readonly message: string;
  readonly at: string;
  /** Signed notes: the kept one, and the one that contradicts it; that is missing if the server showed none. */
  readonly kept: string;
  readonly other?: string;
  /** The reader for whom it was found. */
  readonly reader?: string;
  /** Time at which a reader acknowledged it, by RFC 3339, and who that was. */
  readonly acknowledged?: string;
  readonly acknowledgedBy?: string;
}

/** Result of looking at a log. */
export type Outcome =
  | { kind: "seen"; checkpoint: KeptCheckpoint; withheld?: string }
  | { kind: "finding"; finding: LogFinding }
  /** It does not count: nobody whom this browser believes signed it. */
  | { kind: "not counted"; reason: string };

/** Means of a witness besides the logs. */
export interface Means {
  /** Pinned keys. */
  readonly keys: readonly Key[];
  readonly changesOf: ChangesOf;
  readonly consistencyProofOf: (logId: string, first: bigint, second: bigint) => Promise<readonly Uint8Array[]>;
  readonly reader: string;
  /** Time now, by RFC 3339. */
  readonly now: string;
}

/**
 * Look at a log that the server shows.
 *
 * @param log the log
 * @param kept the last checkpoint that was seen of it, if there is one
 * @param seen all key changes that were seen of it: they count even if its checkpoint was put away
 * @throws whatever the means throw that is not a VerificationError: then nothing was compared
 */
export async function witnessed(
  log: Log,
  kept: KeptCheckpoint | undefined,
  means: Means,
  seen: readonly string[] = kept?.changes ?? [],
): Promise<Outcome> {
  const before = kept && parseCheckpoint(kept.note, "the kept checkpoint");
  let checkpoint: Checkpoint;
  let counted: Counted;
  try {
    checkpoint = parseCheckpoint(log.checkpoint, "the checkpoint");
    if (kept && kept.origin !== log.origin)
      throw malformed(`two logs have the ID ${log.logId}: ${kept.origin} is the other`);
    if (checkpoint.origin !== log.origin || (await logIdOf(log.origin)) !== log.logId) {
      throw malformed(`it is one of ${checkpoint.origin}, or the log's ID is not ${log.logId}`);
    }
    counted = await countedBy(checkpoint, log, kept, means, seen);
    if (counted.doubt && !kept) return { kind: "not counted", reason: counted.doubt };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    const basis = kept ?? lastChange(log.logId, log.origin, seen);
    if (basis && error.code === "KEY_UNKNOWN") return found("BATCH_FOREIGN_SIGNED", basis, error.message, means, log);
    const message = `${log.origin}: the server shows no valid checkpoint of the log: ${error.message}`;
    return kept ? found("BATCH_ALTERED", kept, message, means, log) : { kind: "not counted", reason: message };
  }
  if (kept && before) {
    const contradiction = await contradictionOf(before, checkpoint, kept.logId, means);
    if (contradiction) return found(contradiction[0], kept, contradiction[1], means, log);
  }
  const { doubt: reason, keys, changes, withheld } = counted;
  if (reason) return { kind: "not counted", reason };
  const { reader, now } = means;
  const since = kept?.since ?? now;
  const { logId, origin, checkpoint: note } = log;
  return { kind: "seen", checkpoint: { logId, origin, note, keys, changes, since, at: now, reader }, withheld };
}

interface Counted {
  /** The reason for which the checkpoint does not count although its signature may be valid; undefined if it counts. */
  readonly doubt?: string;
  /** Verifier keys of those who vouch for it. */
  readonly keys: readonly string[];
  readonly changes: readonly string[];
  /** A sentence for key changes that this browser saw, and the server does not tell any more. */
  readonly withheld?: string;
}

/**
 * Find out who vouches for a checkpoint. If keys are pinned, only they do: else the server could offer another one.
 * Throws VerificationError (KEY_UNKNOWN) if the log was seen before, and nobody vouches who did then.
 */
async function countedBy(
  checkpoint: Checkpoint,
  { verifierKeys }: Log,
  kept: KeptCheckpoint | undefined,
  { keys, changesOf }: Means,
  before: readonly string[],
): Promise<Counted> {
  let told = before.length;
  const asked: ChangesOf = async (...question) => {
    const notes = await changesOf(...question);
    told = notes?.length ?? told;
    return notes;
  };
  const pinned = keys.length ? await voucherOf(checkpoint, keys, asked, before) : undefined;
  const counted = async ({ key, changes }: Vouched): Promise<Counted> => {
    if (told < before.length) await asked(checkpoint, true); // another tab may have seen a change since this one asked
    return {
      // Other keys that the server offered vouch for nothing, also after the pinned ones were unpinned.
      keys: [verifierKeyOf(key)],
      changes,
      withheld:
        told < before.length
          ? `the server names ${told} of the ${before.length} changes of its keys that this browser has seen`
          : undefined,
    };
  };
  if (pinned) return counted(pinned);
  const doubt = keys.length
    ? unvouched(checkpoint, "no pinned key (if several servers sign, pin the key of each)").message
    : undefined;
  if (doubt && !kept && !(await isOneOf(keys, before))) return { doubt, keys: [], changes: [] };
  const offered = await Promise.all((kept?.keys ?? verifierKeys).map(parseVerifierKey));
  const first = await voucherOf(checkpoint, offered, asked, before);
  if (first) return { ...(await counted(first)), doubt };
  const nobody = unvouched(checkpoint, "no key that is pinned or was seen before");
  if (kept || (before.length && offered.some(({ type }) => type === ED25519))) throw nobody;
  return { doubt: nobody.message, keys: [], changes: [] };
}

/** Return whether a key is one that a log's key changes lead from or to. */
async function isOneOf(keys: readonly Key[], notes: readonly string[]): Promise<boolean> {
  const changes = await Promise.all(notes.map((note, at) => parseKeyChange(note, `key change ${at + 1}`)));
  const named = changes.flatMap(({ before, after }) => [...before, ...after]);
  return keys.some(({ publicKey }) => named.some((each) => areEqual(each.publicKey, publicKey)));
}

/** The finding that a log, which was there, is not shown any more. */
export function missing(kept: KeptCheckpoint, means: Means): LogFinding {
  const { size } = parseCheckpoint(kept.note, "the kept checkpoint");
  const message = `${kept.origin}: the log had ${size} entries when this browser last saw it, and is not there any more`;
  return found("LOG_MISSING", kept, message, means).finding;
}

/**
 * Compare two checkpoints of a log, the earlier one first, which is said to be of `whose`; returns the finding and its
 * sentence if they contradict. Throws what the means throw that is not a VerificationError.
 */
export async function contradictionOf(
  before: Checkpoint,
  after: Checkpoint,
  logId: string,
  { consistencyProofOf }: Pick<Means, "consistencyProofOf">,
  whose = "the checkpoint that this browser saw",
): Promise<["LOG_FORKED" | "LOG_TRUNCATED", string] | undefined> {
  const { origin } = before;
  if (after.size < before.size) {
    const had = `but had ${before.size} by ${whose}, which is signed`;
    return ["LOG_TRUNCATED", `${origin}: the log has ${after.size} entries, ${had}`];
  }
  if (after.size === before.size) {
    if (areEqual(before.root, after.root)) return undefined;
    const roots = `two signed checkpoints of ${after.size} entries have different root hashes`;
    return ["LOG_FORKED", `${origin}: the log has two histories: ${roots}`];
  }
  try {
    const proof = await consistencyProofOf(logId, before.size, after.size);
    await checkConsistency(before.size, after.size, before.root, after.root, proof);
    return undefined;
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    const sizes = `the log of ${after.size} entries is not proved to begin with the ${before.size} of ${whose}`;
    return ["LOG_FORKED", `${origin}: its history was replaced: ${sizes}: ${error.message}`];
  }
}

/** Evidence that this browser keeps of a log. */
type Kept = Pick<KeptCheckpoint, "logId" | "origin" | "note">;

/** The last key change that was seen of a log, which counts even if its checkpoint was put away. */
export function lastChange(logId: string, origin: string, changes: readonly string[]): Kept | undefined {
  const note = changes.at(-1);
  return note === undefined ? undefined : { logId, origin, note };
}

/** A finding about a log, with the kept note and the one that contradicts it. */
export function findingOfLog(
  kind: LogFinding["kind"],
  { logId, origin, note }: Kept,
  message: string,
  at: string,
  other?: string,
): LogFinding {
  return { id: `${logId} ${kind} ${at}`, kind, origin, logId, message, at, kept: note, other };
}

function found(
  kind: LogFinding["kind"],
  kept: Kept,
  message: string,
  { now }: Means,
  log?: Log,
): { kind: "finding"; finding: LogFinding } {
  return { kind: "finding", finding: findingOfLog(kind, kept, message, now, log?.checkpoint) };
}
