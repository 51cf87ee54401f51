/** Signatures of keys of each type on a checkpoint (C2SP signed-note, tlog-cosignature). */
import { numberOf, utf8 } from "./bytes";
import type { Checkpoint } from "./checkpoint";
import { isSignedWith } from "./ed25519";
import { VerificationError } from "./errors";
import { COSIGNATURE, ED25519, type Key, labelOf } from "./keys";

/**
 * A key's signatures on a checkpoint:
 * - none: there is no signature
 * - valid: all are valid; `time` is the last one's in seconds since 1970, 0 if it has none
 * - unchecked: there is one of ML-DSA-44, which no browser can check yet. It is never to be taken for a valid one.
 */
export type Signed = { kind: "none" } | { kind: "valid"; time: bigint } | { kind: "unchecked" };

/** Check a key's signatures on a checkpoint. Throws VerificationError if one is wrong. */
export async function signedBy(checkpoint: Checkpoint, key: Key): Promise<Signed> {
  let signed: Signed = { kind: "none" };
  for (const { name, keyId, signature } of checkpoint.signatures) {
    if (name !== key.name || keyId !== key.id) continue;
    if (key.type !== ED25519 && key.type !== COSIGNATURE) return { kind: "unchecked" };
    signed = { kind: "valid", time: await checkedTime(checkpoint, key, signature) };
  }
  return signed;
}

async function checkedTime(checkpoint: Checkpoint, key: Key, signature: Uint8Array): Promise<bigint> {
  let [time, message, signed] = [0n, checkpoint.text, signature];
  if (key.type === COSIGNATURE) {
    time = numberOf(signature.subarray(0, 8));
    signed = signature.subarray(8);
    message = `cosignature/v1\ntime ${time}\n${checkpoint.text}`;
  }
  if (time >= 1n << 63n || !(await isSignedWith(key.publicKey, signed, utf8(message)))) {
    throw new VerificationError("SIGNATURE_WRONG", `the signature of ${labelOf(key)} is wrong`);
  }
  return time;
}
