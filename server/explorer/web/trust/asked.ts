/** Questions to the server for evidence, each asked once. */
import { ApiError, type Fields, get } from "../api/client";
import type { ConsistencyProof, InclusionProof } from "../api/types";
import { fromBase64 } from "../proof/bytes";
import type { Checkpoint } from "../proof/checkpoint";
import { logIdOf } from "./log_keys";

const MOST_PATIENCE = 20_000; // ms

const changes = new Map<string, Promise<readonly string[]>>();

/** The key changes of a checkpoint's log, asked for once. Who may not read them gets none. Throws ApiError. */
export function changesOf({ origin, size }: Checkpoint): Promise<readonly string[]> {
  const known = changes.get(origin);
  if (known) return known;
  const asked = askForChanges(origin, size);
  changes.set(origin, asked);
  asked.catch(() => changes.delete(origin));
  return asked;
}

/** Ask for the key changes again, when a checkpoint is signed by a key that they do not name. */
export function forgetChanges(): void {
  changes.clear();
}

/** The hashes of a consistency proof. Throws ApiError, or VerificationError if they are no hashes. */
export async function consistencyProofOf(logId: string, first: bigint, second: bigint): Promise<Uint8Array[]> {
  const fields = { first: String(first), second: String(second) };
  const proof = await ask<ConsistencyProof>(`/api/v1/logs/${logId}/consistency-proof`, fields);
  return textsIn(proof?.path, "a consistency proof").map((hash) => fromBase64(hash, "a hash of the consistency proof"));
}

async function askForChanges(origin: string, size: bigint): Promise<readonly string[]> {
  if (size === 0n) return [];
  try {
    const fields = { leaf_index: String(size - 1n), for_evidence: true };
    const path = `/api/v1/logs/${await logIdOf(origin)}/inclusion-proof`;
    return textsIn((await ask<InclusionProof>(path, fields))?.keyChanges, "key changes");
  } catch (error) {
    if (error instanceof ApiError && error.isForbidden) return [];
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
