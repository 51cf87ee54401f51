/** Which believed key vouches for a checkpoint: it signed it, or the log's key changes lead from it to the signer. */
import type { Checkpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { VerificationError } from "../proof/errors";
import { includes } from "../proof/key_changes";
import { ED25519, fingerprintOf, type Key, renamed } from "../proof/keys";
import { checkSigners } from "../proof/signatures";
import { type KeyChange, parseKeyChange } from "../proof/statement";

/** Fetches the key changes of a checkpoint's log, as signed notes. */
export type ChangesOf = (checkpoint: Checkpoint) => Promise<readonly string[]>;

/**
 * Find the key by which a checkpoint is signed, and which some keys vouch for.
 *
 * @param checkpoint the checkpoint
 * @param keys keys that are believed, whichever log they were given for
 * @param changesOf called only if none of these signed
 * @returns the fingerprint of the believed key; undefined if none of them vouches for the checkpoint
 * @throws VerificationError if a signature of a believed key, or a key change, is wrong
 */
export async function voucherOf(
  checkpoint: Checkpoint,
  keys: readonly Key[],
  changesOf: ChangesOf,
): Promise<string | undefined> {
  const ed25519 = keys.filter(({ type }) => type === ED25519);
  const own = await Promise.all(ed25519.map((key) => renamed(key, checkpoint.origin)));
  for (const key of own) {
    if ((await signedBy(checkpoint, key)).kind === "valid") return fingerprintOf(key);
  }
  if (!own.length) return undefined;
  const notes = await changesOf(checkpoint);
  const changes: KeyChange[] = [];
  for (const [at, note] of notes.entries()) changes.push(await parseKeyChange(note, `key change ${at + 1}`));
  if (!changes.length) return undefined;
  try {
    await checkSigners(checkpoint, own, changes);
  } catch (error) {
    if (error instanceof VerificationError && error.code === "KEY_UNKNOWN") return undefined;
    throw error;
  }
  const named = changes.flatMap(({ before, after }) => [...before, ...after]);
  const voucher = own.find((key) => includes(named, key));
  return voucher && fingerprintOf(voucher);
}

/** The error of a checkpoint for which none of the keys that are known vouches; `known` says which these are. */
export function unvouched({ origin, signatures }: Checkpoint, known: string): VerificationError {
  const by = signatures.map(({ name, keyId }) => `${name}+${keyId}`).join(", ");
  return new VerificationError(
    "KEY_UNKNOWN",
    `${origin}: ${known} vouches for the log's checkpoint, which is signed by ${by}`,
  );
}
