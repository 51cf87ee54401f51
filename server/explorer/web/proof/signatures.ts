/** The signatures that a checkpoint must have: by the keys in force at its size. */
import type { Checkpoint } from "./checkpoint";
import { type Signed, signedBy } from "./cosignature";
import { VerificationError } from "./errors";
import { followKeys, includes } from "./key_changes";
import { ED25519, type Key, labelOf, ML_DSA_44 } from "./keys";
import type { KeyChange } from "./statement";

/** The signers of a checkpoint: those that were checked, and those of ML-DSA-44, which no browser can check yet. */
export interface Signers {
  readonly checked: readonly Key[];
  readonly unchecked: readonly Key[];
}

/**
 * Check that a checkpoint is signed by the keys in force at its size.
 *
 * @param checkpoint the checkpoint
 * @param believed keys that the reader believes, by the name of the log
 * @param changes all key changes of the log
 * @throws VerificationError if it is not, a signature is wrong, or a believed key of ML-DSA-44 would have to be checked
 */
export async function checkSigners(
  checkpoint: Checkpoint,
  believed: readonly Key[],
  changes: readonly KeyChange[],
): Promise<Signers> {
  if (!believed.length) {
    throw new VerificationError("KEY_UNKNOWN", `no key that was given is one of the log ${checkpoint.origin}`);
  }
  let checked: Key[] = [];
  let unchecked: Key[] = [];
  for (const key of believed) sort(key, await signedBy(checkpoint, key), checked, unchecked);
  if (changes.length) [checked, unchecked] = await signersInForce(checkpoint, believed, changes);
  if (believed.some(({ type }) => type === ML_DSA_44)) {
    throw new VerificationError(
      "NOT_CHECKED",
      "an ML-DSA-44 key was given, whose signatures this page cannot check: use 'lognotary check'",
    );
  }
  if (!changes.length && !checked.some(({ type }) => type === ED25519)) {
    const by = checkpoint.signatures.map(({ name, keyId }) => `${name}+${keyId}`).join(", ");
    throw new VerificationError(
      "KEY_UNKNOWN",
      `the Ed25519 key that was given did not sign the checkpoint, but ${by}: give the key that was in force then`,
    );
  }
  return { checked, unchecked };
}

async function signersInForce(
  checkpoint: Checkpoint,
  believed: readonly Key[],
  changes: readonly KeyChange[],
): Promise<[Key[], Key[]]> {
  const spans = await followKeys(checkpoint, changes, believed);
  const inForce = spans.filter(({ first, last }) => first <= checkpoint.size && checkpoint.size <= last);
  let found: [Key[], Key[]] | undefined;
  for (const { keys } of inForce) {
    const [checked, unchecked]: [Key[], Key[]] = [[], []];
    let areAll = true;
    for (const key of keys) {
      areAll &&= sort(key, await signedBy(checkpoint, key), checked, unchecked);
      if (!areAll) break;
    }
    if (areAll) found ??= [checked, unchecked];
  }
  if (found) return found;
  const needed = inForce.map(({ keys }) => keys.map(labelOf).join(" and ")).join(" or ");
  throw new VerificationError(
    "KEY_UNKNOWN",
    `it is not signed by what is in force at ${checkpoint.size} entries: ${needed}`,
  );
}

/** Add a key to those whose signature was checked, or was not; return false if it did not sign. */
function sort(key: Key, { kind }: Signed, checked: Key[], unchecked: Key[]): boolean {
  const side = kind === "valid" ? checked : unchecked;
  if (kind !== "none" && !includes(side, key)) side.push(key);
  return kind !== "none";
}
