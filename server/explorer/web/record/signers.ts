/** The signatures on a checkpoint, each with its key: which key it is, and whether the reader pinned it. */
import type { Checkpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { VerificationError } from "../proof/errors";
import { fingerprintOf, type Key } from "../proof/keys";
import type { NoteSignature } from "../proof/note";

/** Keys by where they come from. All of the log have the log's name. */
export interface Keys {
  /** Keys of the log that the reader pinned. */
  readonly pinned: readonly Key[];
  /** Keys of the log as the server names them, and of its key changes. */
  readonly said: readonly Key[];
}

/**
 * - pinned: valid, by a key that the reader pinned
 * - said: valid, by a key that only the server names
 * - wrong: not a signature of this text by the key that it names
 * - unchecked: one of ML-DSA-44, which no browser can check yet
 * - unknown: by a key that is not known here, as all of witnesses are
 */
export type SignatureState = "pinned" | "said" | "wrong" | "unchecked" | "unknown";

/** A signature line, and what became of its check. */
export interface CheckedSignature {
  readonly name: string;
  readonly keyId: string;
  readonly state: SignatureState;
  /** True if it is by a key with another name than the log: a witness. */
  readonly isWitness: boolean;
  /** The key's fingerprint; empty if the key is not known. */
  readonly fingerprint: string;
  /** Seconds since 1970 at which a witness signed; 0 for none. */
  readonly time: bigint;
}

/** Check each signature on a checkpoint. Wrong ones are results, not errors. */
export function checkSignatures(checkpoint: Checkpoint, keys: Keys): Promise<CheckedSignature[]> {
  return Promise.all(checkpoint.signatures.map((signature) => checkOne(checkpoint, signature, keys)));
}

async function checkOne(checkpoint: Checkpoint, signature: NoteSignature, keys: Keys): Promise<CheckedSignature> {
  const isOf = (key: Key) => key.name === signature.name && key.id === signature.keyId;
  const isPinned = keys.pinned.find(isOf);
  const key = isPinned ?? keys.said.find(isOf);
  const { name, keyId } = signature;
  const found = { name, keyId, isWitness: name !== checkpoint.origin, fingerprint: "", time: 0n };
  if (!key) return { ...found, state: "unknown" };
  const fingerprint = await fingerprintOf(key);
  try {
    const signed = await signedBy({ ...checkpoint, signatures: [signature] }, key);
    if (signed.kind !== "valid") return { ...found, fingerprint, state: "unchecked" };
    return { ...found, fingerprint, time: signed.time, state: isPinned ? "pinned" : "said" };
  } catch (error) {
    if (error instanceof VerificationError) return { ...found, fingerprint, state: "wrong" };
    throw error;
  }
}
