/** Which believed key vouches for a checkpoint: it signed it, or the log's key changes lead from it to the signer. */
import type { Checkpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { VerificationError } from "../proof/errors";
import { includes } from "../proof/key_changes";
import { ED25519, fingerprintOf, type Key, renamed } from "../proof/keys";
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

/**
 * Find the key that vouches for a checkpoint: it signed it and was in force then, or key changes lead from it to those
 * that did. A key that was replaced does not vouch for what came later: somebody may have taken it.
 *
 * @param checkpoint the checkpoint
 * @param keys keys that are believed; one with a name vouches for the log of this name only
 * @param changesOf asked for the key changes, and again if those that it had do not suffice
 * @returns the fingerprint of the believed key; undefined if none of them vouches for the checkpoint
 * @throws VerificationError if a signature of a believed key, or a key change, is wrong
 * @throws ChangesNotTold if no believed key signed, and the reader may not read the key changes
 */
export async function voucherOf(
  checkpoint: Checkpoint,
  keys: readonly Key[],
  changesOf: ChangesOf,
): Promise<string | undefined> {
  const { origin } = checkpoint;
  const usable = keys.filter(({ type, name }) => type === ED25519 && (name === "" || name === origin));
  const own = await Promise.all(usable.map((key) => renamed(key, origin)));
  if (!own.length) return undefined;
  let signer: Key | undefined;
  for (const key of own) if ((await signedBy(checkpoint, key)).kind === "valid") signer ??= key;
  const notes = await changesOf(checkpoint, false);
  if (!notes) {
    if (signer) return fingerprintOf(signer);
    throw new ChangesNotTold(checkpoint);
  }
  const voucher = await voucherAmong(checkpoint, own, signer, notes);
  if (voucher) return fingerprintOf(voucher);
  const latest = await changesOf(checkpoint, true); // the key may have changed since
  const later = latest && latest.length > notes.length && (await voucherAmong(checkpoint, own, signer, latest));
  return later ? fingerprintOf(later) : undefined;
}

async function voucherAmong(
  checkpoint: Checkpoint,
  own: readonly Key[],
  signer: Key | undefined,
  notes: readonly string[],
): Promise<Key | undefined> {
  const changes: KeyChange[] = [];
  for (const [at, note] of notes.entries()) changes.push(await parseKeyChange(note, `key change ${at + 1}`));
  if (!changes.length) return signer;
  try {
    await checkSigners(checkpoint, own, changes);
  } catch (error) {
    if (error instanceof VerificationError && error.code === "KEY_UNKNOWN") return undefined;
    throw error;
  }
  const named = changes.flatMap(({ before, after }) => [...before, ...after]);
  return own.find((key) => includes(named, key));
}

/** The error of a checkpoint for which none of the keys that are known vouches; `known` says which these are. */
export function unvouched({ origin, signatures }: Checkpoint, known: string): VerificationError {
  const by = signatures.map(({ name, keyId }) => `${name}+${keyId}`).join(", ");
  return new VerificationError(
    "KEY_UNKNOWN",
    `${origin}: ${known} vouches for the log's checkpoint, which is signed by ${by}`,
  );
}
