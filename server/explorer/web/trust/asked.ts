/** Questions to the server for evidence, each asked once. */
import { ApiError, type Fields, get } from "../api/client";
import type { ConsistencyProof, InclusionProof } from "../api/types";
import { logIdOf } from "../common/log_id";
import { fromBase64 } from "../proof/bytes";
import type { Checkpoint } from "../proof/checkpoint";
import { distinctNotes } from "../proof/note";

const MOST_PATIENCE = 20_000; // ms

const FRESH = 1000; // ms in which an answer about key changes is not asked for again
const OLD = 60_000; // ms after which it says nothing of checkpoints that are larger than the one that it was asked for

interface AskedChanges {
  readonly size: bigint;
  readonly at: number;
  readonly answer: Promise<readonly string[] | undefined>;
}

const asked = new Map<string, AskedChanges>();

/**
 * The key changes of a checkpoint's log: all that the log has now. They are asked for again if a later checkpoint may
 * be signed after another change, or with `isAgain`. Who may not read them gets undefined. Throws ApiError.
 */
export function changesOf({ origin, size }: Checkpoint, isAgain: boolean): Promise<readonly string[] | undefined> {
  const known = asked.get(origin);
  const age = known ? performance.now() - known.at : Number.POSITIVE_INFINITY;
  if (known && (age < FRESH || (!isAgain && (size <= known.size || age < OLD)))) return known.answer;
  const answer = askForChanges(origin, size);
  const now = { size, at: performance.now(), answer };
  asked.set(origin, now);
  // Many records wait for it: a server that has too much to do is not asked for each of them.
  answer.catch(() => setTimeout(() => asked.get(origin) === now && asked.delete(origin), FRESH));
  return answer;
}

/** The hashes of a consistency proof. Throws ApiError, or VerificationError if they are not hashes. */
export async function consistencyProofOf(logId: string, first: bigint, second: bigint): Promise<Uint8Array[]> {
  const fields = { first: String(first), second: String(second) };
  const proof = await ask<ConsistencyProof>(`/api/v1/logs/${logId}/consistency-proof`, fields);
  return textsIn(proof?.path, "a consistency proof").map((hash) => fromBase64(hash, "a hash of the consistency proof"));
}

async function askForChanges(origin: string, size: bigint): Promise<readonly string[] | undefined> {
  if (size === 0n) return [];
  try {
    // Whichever leaf is asked for, all changes are in the answer. The last one need not be there: the checkpoint may be
    // forged.
    const fields = { leaf_index: "0", for_evidence: true };
    const path = `/api/v1/logs/${await logIdOf(origin)}/inclusion-proof`;
    return distinctNotes(textsIn((await ask<InclusionProof>(path, fields))?.keyChanges, "key changes"));
  } catch (error) {
    if (error instanceof ApiError && error.isForbidden) return undefined;
    throw error;
  }
}

/** Ask, and do not wait for ever: a server that does not answer has refused. Throws ApiError. */
export function ask<T>(path: string, fields: Fields = {}): Promise<T> {
  return get<T>(path, fields, AbortSignal.timeout(MOST_PATIENCE));
}

/** A list of texts of an answer. Throws ApiError if it is something else: the answer proves nothing then. */
function textsIn(value: unknown, what: string): string[] {
  if (value === undefined) return [];
  if (Array.isArray(value) && value.every((each) => typeof each === "string")) return value;
  throw new ApiError(200, "UNKNOWN", `the server's answer has no ${what}, but something else`);
}
