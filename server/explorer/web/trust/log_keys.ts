/** Which believed key vouches for a checkpoint: it signed it, or the log's key changes lead from it to the signer. */
import type { Checkpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { VerificationError } from "../proof/errors";
import { followKeys, includes } from "../proof/key_changes";
import { ED25519, type Key, labelOf, renamed } from "../proof/keys";
import { parseNote } from "../proof/note";
import { checkSigners } from "../proof/signatures";
import { type KeyChange, parseKeyChange } from "../proof/statement";

/**
 * Fetches the key changes of a checkpoint's log, as signed notes; undefined if the reader may not read them. With
 * `isAgain`, those that were fetched before do not suffice.
 */
export type ChangesOf = (checkpoint: Checkpoint, isAgain: boolean) => Promise<readonly string[] | undefined>;

/** This browser did not get the key changes that it needs, which is not the fault of the checkpoint. */
export class ChangesNotTold extends Error {
  constructor({ origin }: Checkpoint) {
    super(`${origin}: its key changed, or is another one than the pinned: only auditors may ask for the key changes`);
    this.name = "ChangesNotTold";
  }
}

/** A believed key signed a checkpoint of a size at which another one is in force: somebody may have taken the key. */
export class NotInForce extends VerificationError {
  constructor({ origin, size }: Checkpoint, key: Key, changes: readonly KeyChange[]) {
    const sizes = changes.map(({ checkpoint }) => checkpoint.size).join(", ");
    super(
      "KEY_UNKNOWN",
      `${origin}: a checkpoint of ${size} entries is signed by ${labelOf(key)}, a key that was not in force then: the log's keys changed at ${sizes} entries`,
    );
    this.name = "NotInForce";
  }
}

/** The key that vouches for a checkpoint, and the changes that lead to it. */
export interface Vouched {
  /** The believed key, by the name of the log. */
  readonly key: Key;
  /** The log's key changes that are known now, as signed notes; they were checked. */
  readonly changes: readonly string[];
}

/**
 * Find the key that vouches for a checkpoint: it signed it and was in force then, or key changes lead from it to those
 * that did. A key that was replaced does not vouch for what came later: somebody may have taken it. Whoever has it may
 * also leave the key changes out, so those that were seen before count as well.
 *
 * @param checkpoint the checkpoint
 * @param keys keys that are believed; one with a name vouches for the log of this name only
 * @param changesOf asked for the key changes, and again if those that it had do not suffice
 * @param seen key changes that this browser has seen of the log
 * @returns who vouches for the checkpoint; undefined if none of the keys does
 * @throws NotInForce if a believed key signed, but another one is in force
 * @throws VerificationError if a signature of a believed key, or a key change, is wrong, or other than one that was
 *   seen
 * @throws ChangesNotTold if no believed key signed, and the reader may not read the key changes
 */
export async function voucherOf(
  checkpoint: Checkpoint,
  keys: readonly Key[],
  changesOf: ChangesOf,
  seen: readonly string[] = [],
): Promise<Vouched | undefined> {
  const { origin } = checkpoint;
  const usable = keys.filter(({ type, name }) => type === ED25519 && (name === "" || name === origin));
  const own = await Promise.all(usable.map((key) => renamed(key, origin)));
  if (!own.length) return undefined;
  let signer: Key | undefined;
  for (const key of own) if ((await signedBy(checkpoint, key)).kind === "valid") signer ??= key;
  const told = await changesOf(checkpoint, false);
  let changes = withSeen(checkpoint, seen, told ?? []);
  let found = await voucherAmong(checkpoint, own, signer, changes);
  if (!isVoucher(found) && told) {
    const latest = withSeen(checkpoint, seen, (await changesOf(checkpoint, true)) ?? []); // it may have changed since
    if (latest.length > changes.length) {
      changes = latest;
      found = await voucherAmong(checkpoint, own, signer, changes);
    }
  }
  if (found instanceof NotInForce) throw found;
  if (!found && !told) throw new ChangesNotTold(checkpoint);
  return found && { key: found, changes };
}

const isVoucher = (found: Key | NotInForce | undefined): boolean => found !== undefined && !(found instanceof Error);

/** Key changes that a server tells, with those that were seen before. Throws VerificationError if they are others. */
export function withSeen(
  { origin }: Pick<Checkpoint, "origin">,
  seen: readonly string[],
  told: readonly string[],
): readonly string[] {
  for (const [at, note] of told.slice(0, seen.length).entries()) {
    const known = parseNote(seen[at] ?? "", "a key change that was seen");
    if (parseNote(note, `key change ${at + 1}`).text === known.text) continue;
    throw new VerificationError(
      "KEY_UNKNOWN",
      `${origin}: key change ${at + 1} of the log is another one than this browser has seen: its keys have two histories`,
    );
  }
  return [...seen, ...told.slice(seen.length)];
}

/** Of two lists of key changes of a log, both checked, the one that knows more. */
export function longer(one: readonly string[] = [], other: readonly string[] = []): readonly string[] {
  return one.length > other.length ? one : other;
}

/** A key that vouches; if one signed that was not in force, the error of that. */
async function voucherAmong(
  checkpoint: Checkpoint,
  own: readonly Key[],
  signer: Key | undefined,
  notes: readonly string[],
): Promise<Key | NotInForce | undefined> {
  const changes: KeyChange[] = [];
  for (const [at, note] of notes.entries()) changes.push(await parseKeyChange(note, `key change ${at + 1}`));
  if (!changes.length) return signer;
  try {
    const spans = await followKeys(checkpoint, changes, own);
    if (await isByKeysInForce(checkpoint, own, changes)) {
      const named = spans.flatMap(({ keys }) => keys);
      return own.find((key) => includes(named, key));
    }
    return signer && new NotInForce(checkpoint, signer, changes);
  } catch (error) {
    if (error instanceof VerificationError && error.code === "KEY_UNKNOWN") return undefined;
    throw error;
  }
}

/** Return whether a checkpoint is signed by the keys in force at its size, of changes that were followed. */
async function isByKeysInForce(
  checkpoint: Checkpoint,
  own: readonly Key[],
  changes: readonly KeyChange[],
): Promise<boolean> {
  try {
    await checkSigners(checkpoint, own, changes);
    return true;
  } catch (error) {
    if (error instanceof VerificationError && error.code === "KEY_UNKNOWN") return false;
    throw error;
  }
}

/** The error of a checkpoint for which none of the keys that are known vouches; `known` says which these are. */
export function unvouched({ origin, signatures }: Checkpoint, known: string): VerificationError {
  const by = signatures.map(({ name, keyId }) => `${name}+${keyId}`).join(", ");
  return new VerificationError(
    "KEY_UNKNOWN",
    `${origin}: ${known} vouches for the log's checkpoint, which is signed by ${by}`,
  );
}
