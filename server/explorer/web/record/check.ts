/** The check of one record in this browser: canonical record, leaf, path, root, checkpoint, signatures. */

import type { InclusionProof } from "../api/types";
import { logIdOf } from "../common/log_id";
import { areEqual, fromBase64, hexOf } from "../proof/bytes";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { followKeys } from "../proof/key_changes";
import { fingerprintOf, type Key, parseVerifierKey, renamed } from "../proof/keys";
import { leafHash } from "../proof/merkle";
import { type ReadRecord, readRecord } from "../proof/readable";
import { sha256 } from "../proof/sha256";
import { type KeyChange, parseKeyChange } from "../proof/statement";
import { type ReadTimestamp, readTimestamp } from "../proof/timestamp";
import { findingOf } from "../trust/entry_check";
import { ChangesNotTold, type Vouched, voucherOf } from "../trust/log_keys";
import { type PathStep, stepsOf } from "./path";
import { shaped } from "./shape";
import { type CheckedSignature, checkSignatures } from "./signers";

/**
 * - checked: the stored record is the one that was signed with a key that the reader pinned
 * - uncompared: it is signed with such a key, but nothing proves that its log has the history that this browser keeps
 * - unpinned: everything fits together, but only the server says that the key is the right one
 * - refuted: something is not what was signed
 * - unproved: something cannot be checked here
 */
export type Outcome =
  | { readonly kind: "checked"; readonly key: string } // its fingerprint
  | { readonly kind: "uncompared"; readonly key: string; readonly reason: string }
  | { readonly kind: "unpinned" }
  | { readonly kind: "refuted"; readonly finding: string; readonly message: string }
  | { readonly kind: "unproved"; readonly message: string };

/** All that the check found out. What could not be computed is not there. */
export interface Checked {
  readonly outcome: Outcome;
  /** The canonical record, decoded. */
  readonly record?: ReadRecord;
  /** SHA-256 of the canonical record, computed here; absent if its content is not stored any more. */
  readonly entry?: Uint8Array;
  /** Hash of the leaf that is in the tree, as the server says. */
  readonly saidLeaf: Uint8Array;
  /** Hash of the leaf, computed here from the record. */
  readonly computedLeaf?: Uint8Array;
  /** From the leaf that is in the tree up to the root. */
  readonly steps: readonly PathStep[];
  /** Root hash at the end of the path, computed here. */
  readonly root: Uint8Array;
  readonly checkpoint: Checkpoint;
  readonly signatures: readonly CheckedSignature[];
  /** The log's key changes: those that were seen before, and what the server tells more. */
  readonly changes: readonly KeyChange[];
  /** The timestamp, held against the text of the checkpoint; nobody checked the authority. */
  readonly timestamp?: ReadTimestamp;
  /** The reason for which the outcome is another one than that it fits. */
  readonly failure?: VerificationError;
}

/** The record that was asked for. */
export interface Wanted {
  /** ID of the log, which is computed from its name. */
  readonly logId: string;
  readonly leaf: string;
}

/**
 * Check a proof.
 *
 * @param answer the server's answer
 * @param wanted the record that was asked for
 * @param pinned keys that the reader pinned; one without a name may sign every log
 * @param seen key changes that this browser has seen of the log: the server may leave them out
 * @throws VerificationError if the proof is malformed or of another record, so that nothing can be drawn
 */
export async function checkProof(
  answer: InclusionProof,
  wanted: Wanted,
  pinned: readonly Key[],
  seen: readonly string[] = [],
): Promise<Checked> {
  const proof = shaped(answer);
  const checkpoint = parseCheckpoint(proof.checkpoint, "the checkpoint");
  await requireWanted(checkpoint.origin, proof.leafIndex, wanted);
  requireSaid(proof, checkpoint, wanted);
  const saidLeaf = fromBase64(proof.leafHash, "the hash of the leaf");
  const path = proof.path.map((hash) => fromBase64(hash, "a hash of the path"));
  const index = BigInt(proof.leafIndex);
  const steps = await stepsOf(index, checkpoint.size, saidLeaf, path);
  const root = steps.at(-1)?.parent ?? saidLeaf;
  const content = proof.record ? fromBase64(proof.record, "the record") : undefined;
  const entry = content && (await sha256(content));
  const computedLeaf = entry && (await leafHash(entry));
  const notes = [...seen, ...proof.keyChanges.slice(seen.length)];
  const changes = await Promise.all(notes.map((note, at) => parseKeyChange(note, `key change ${at + 1}`)));
  const believed = await keysOf(checkpoint.origin, pinned);
  const said = [
    ...(await Promise.all(proof.verifierKeys.map(parseVerifierKey))),
    ...changes.flatMap(({ before, after }) => [...before, ...after]),
  ];
  const signatures = await checkSignatures(checkpoint, { pinned: believed, said });
  const found = { entry, saidLeaf, computedLeaf, steps, root, checkpoint, signatures, changes };
  const timestamp = proof.timestamp
    ? await readTimestamp(() => fromBase64(proof.timestamp, "the timestamp"), checkpoint.text)
    : undefined;
  let record: ReadRecord | undefined;
  try {
    if (content) record = await readRecord(content, checkpoint.origin, index);
    requireFit(found);
    // Proofs within other answers, for readers who may not ask for more, have neither keys nor key changes.
    const told = proof.verifierKeys.length || proof.keyChanges.length ? proof.keyChanges : undefined;
    const outcome = await outcomeOf(found, { told, seen }, pinned.length ? believed : undefined, said);
    return { ...found, record, timestamp, outcome };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    const { code, message } = error;
    const outcome: Outcome =
      code === "NOT_CHECKED" ? { kind: "unproved", message } : { kind: "refuted", finding: findingOf(error), message };
    return { ...found, record, timestamp, outcome, failure: error };
  }
}

async function keysOf(origin: string, keys: readonly Key[]): Promise<Key[]> {
  return Promise.all(keys.filter(({ name }) => name === "" || name === origin).map((key) => renamed(key, origin)));
}

async function requireWanted(origin: string, leaf: string, wanted: Wanted): Promise<void> {
  if ((await logIdOf(origin)) === wanted.logId && leaf === wanted.leaf) return;
  throw new VerificationError(
    "PROOF_WRONG",
    `the server answered with a proof of leaf ${leaf} of ${origin}, which is not the record that was asked for`,
  );
}

/** Require that what an answer says beside its checkpoint is the same: pages and commands name it. */
function requireSaid({ origin, logId, treeSize }: InclusionProof, checkpoint: Checkpoint, wanted: Wanted): void {
  if (origin === checkpoint.origin && logId === wanted.logId && treeSize === String(checkpoint.size)) return;
  throw new VerificationError(
    "PROOF_WRONG",
    `the server calls it a proof in a log ${origin} of ${treeSize} entries, and its checkpoint is of ${checkpoint.size} entries of ${checkpoint.origin}`,
  );
}

type Found = Pick<Checked, "computedLeaf" | "saidLeaf" | "root" | "checkpoint" | "signatures" | "changes">;

function requireFit({ computedLeaf, saidLeaf, root, checkpoint, signatures }: Found): void {
  if (computedLeaf && !areEqual(computedLeaf, saidLeaf)) {
    const [here, there] = [hexOf(computedLeaf), hexOf(saidLeaf)];
    throw new VerificationError(
      "RECORD_CHANGED",
      `the stored record is not the one that was signed: it gives the leaf ${here}, and the log has ${there}`,
    );
  }
  if (!areEqual(root, checkpoint.root)) {
    throw new VerificationError("PROOF_WRONG", "the path does not lead to the root hash that is in the checkpoint");
  }
  const wrong = signatures.find(({ state }) => state === "wrong");
  if (wrong) throw new VerificationError("SIGNATURE_WRONG", `the signature of ${wrong.name}+${wrong.keyId} is wrong`);
}

/** Key changes as signed notes: those that the server tells, undefined if it tells none to the reader; those seen. */
interface Notes {
  readonly told: readonly string[] | undefined;
  readonly seen: readonly string[];
}

async function outcomeOf(
  { checkpoint, changes, signatures }: Found,
  { told, seen }: Notes,
  believed: readonly Key[] | undefined,
  said: readonly Key[],
): Promise<Outcome> {
  if (changes.length) await followKeys(checkpoint, changes, said);
  if (!believed && !said.length) {
    const message = "record, path and root fit together, but you have pinned no key to check the signature with";
    return { kind: "unproved", message };
  }
  let vouched: Vouched | undefined;
  try {
    vouched = await voucherOf(checkpoint, believed ?? said, async () => told, seen);
  } catch (error) {
    if (error instanceof ChangesNotTold) return { kind: "unproved", message: error.message };
    throw error;
  }
  if (vouched) return believed ? { kind: "checked", key: await fingerprintOf(vouched.key) } : { kind: "unpinned" };
  if (!believed) {
    throw new VerificationError("KEY_UNKNOWN", "no key that the server names for the log signed the checkpoint");
  }
  const by = signatures.map(({ name, keyId }) => `${name}+${keyId}`).join(", ");
  throw new VerificationError(
    "KEY_UNKNOWN",
    `no key that you pinned vouches for it: it is signed by ${by}. If another server of yours signs this log, pin its key too`,
  );
}
