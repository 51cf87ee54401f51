/** The check of one entry: that its record is in a log that a pinned key signed, and that this is what is shown. */
import type { Evidence } from "../api/types";
import type { Entry } from "../common/entry";
import { logIdOf } from "../common/log_id";
import { areEqual, base64Of, fromBase64, hexOf } from "../proof/bytes";
import { type Checkpoint, NUMBER, parseCheckpoint } from "../proof/checkpoint";
import { streamOf } from "../proof/columns";
import { VerificationError } from "../proof/errors";
import { leafHash, rootFromPath } from "../proof/merkle";
import { readRecord } from "../proof/readable";
import { sha256 } from "../proof/sha256";
import { ChangesNotTold } from "./log_keys";
import { differenceIn } from "./shown";
import type { Verdict } from "./verdict";

/** The voucher for a checkpoint. */
export interface Voucher {
  /** Fingerprint of the key. */
  readonly key: string;
  /** False if it is only the key that the server offered when this browser saw the log first. */
  readonly isPinned: boolean;
  /** The log's key changes that are known now. */
  readonly changes: readonly string[];
}

/** Means of a check besides the entry. */
export interface Trust {
  /**
   * The key that vouches for a checkpoint; undefined if no key is pinned and the log was never seen. Throws
   * VerificationError if keys are known, and none vouches.
   */
  readonly voucherOf: (checkpoint: Checkpoint) => Promise<Voucher | undefined>;
  /** Compares a checkpoint, whose signature is valid, with those seen before; throws VerificationError. */
  readonly compareWithSeen: (checkpoint: Checkpoint) => Promise<void>;
  /**
   * Compares such a checkpoint, and its log's key changes, with what is kept of the log; returns why that was not
   * possible, undefined if one continues the other. Throws VerificationError if they contradict each other.
   */
  readonly compareHistory: (checkpoint: Checkpoint, changes: readonly string[]) => Promise<string | undefined>;
}

/** Check an entry. Whatever is wrong with it is in the verdict; only failures of the network are thrown. */
export async function checkEntry(entry: Entry, trust: Trust): Promise<Verdict> {
  const { evidence } = entry;
  if (!evidence) return { kind: "unproved", reason: "the server sent no evidence of it" };
  const reason = evidence.reason || "the server sent no proof of it";
  if (!evidence.checkpoint) return { kind: "unproved", reason };
  if (!evidence.canonicalRecord) return { kind: "unproved", reason: "it is too large for an answer with others" };
  let verdict: Verdict;
  try {
    verdict = await checkProof(entry, evidence, trust);
  } catch (error) {
    if (error instanceof ChangesNotTold) return { kind: "unproved", reason: error.message };
    if (!(error instanceof VerificationError)) throw error;
    return { kind: "refuted", finding: findingOf(error), message: error.message };
  }
  // A copy of a record has the record's proof: only who reads the whole storage knows that it is one too many.
  return evidence.state === "VERIFIED" || evidence.state === "SIGNED" ? verdict : { kind: "unproved", reason };
}

/** The finding of verification that an error of a proof is. */
export function findingOf({ code }: VerificationError): string {
  switch (code) {
    case "LOG_FORKED":
    case "LOG_TRUNCATED":
    case "LOG_MISSING":
      return code;
    case "SIGNATURE_WRONG":
      return "BATCH_ALTERED";
    case "KEY_UNKNOWN":
    case "NOT_CHECKED":
      return "BATCH_FOREIGN_SIGNED";
    default:
      return "RECORD_CHANGED";
  }
}

async function checkProof(entry: Entry, evidence: Evidence, trust: Trust): Promise<Verdict> {
  const { leafIndex, treeSize, logId, origin, recordHash } = evidence;
  // Else values that are only alike as texts would have several identities, and count as several records.
  if (![leafIndex, treeSize, logId, origin, recordHash].every((value) => typeof value === "string")) {
    throw new VerificationError("MALFORMED", "its place in a log is not given in texts");
  }
  if (![leafIndex, treeSize].every((number) => NUMBER.test(number))) {
    throw new VerificationError("MALFORMED", "its leaf or the size of its tree is not a number");
  }
  const checkpoint = parseCheckpoint(evidence.checkpoint, "the checkpoint");
  await requirePlace(entry, evidence, checkpoint);
  const record = fromBase64(evidence.canonicalRecord, "the record");
  await requireInclusion(evidence, checkpoint, record);
  const signed = await readRecord(record, checkpoint.origin, BigInt(evidence.leafIndex));
  const difference = differenceIn(entry, signed.columns);
  if (difference !== undefined) {
    throw new VerificationError(
      "RECORD_CHANGED",
      `what is shown is not what was signed: the signed record says something else in ${difference}`,
    );
  }
  const voucher = await trust.voucherOf(checkpoint);
  if (!voucher) return { kind: "unpinned" };
  const reason = await trust.compareHistory(checkpoint, voucher.changes);
  await trust.compareWithSeen(checkpoint);
  if (!voucher.isPinned) return { kind: "unpinned" };
  const { key } = voucher;
  return reason === undefined ? { kind: "checked", key } : { kind: "uncompared", key, reason };
}

/** The log has to be the one that the entry names, and of its stream; else a log could be passed off as another. */
async function requirePlace(entry: Entry, evidence: Evidence, { origin, size }: Checkpoint): Promise<void> {
  if (size !== BigInt(evidence.treeSize)) {
    throw new VerificationError("RECORD_CHANGED", `the proof is of ${size} entries, and not of ${evidence.treeSize}`);
  }
  if (origin !== evidence.origin || (await logIdOf(origin)) !== evidence.logId || streamOf(origin) !== entry.stream) {
    throw new VerificationError("RECORD_CHANGED", `the proof is of another log, ${origin}, than the record names`);
  }
}

async function requireInclusion(evidence: Evidence, checkpoint: Checkpoint, record: Uint8Array): Promise<void> {
  const entry = await sha256(record);
  const path = (evidence.inclusionPath ?? []).map((hash) => fromBase64(hash, "a hash of the proof"));
  const leaf = await leafHash(entry);
  const root = await rootFromPath(BigInt(evidence.leafIndex), checkpoint.size, leaf, path);
  if (!areEqual(root, checkpoint.root) || hexOf(entry) !== evidence.recordHash) {
    throw new VerificationError(
      "RECORD_CHANGED",
      `the record does not lead to the root hash ${base64Of(checkpoint.root)} that was signed`,
    );
  }
}
