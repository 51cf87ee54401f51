/** Questions to the server for evidence, each asked once. */
import { ApiError, get } from "../api/client";
import type { ConsistencyProof, InclusionProof } from "../api/types";
import { fromBase64 } from "../proof/bytes";
import type { Checkpoint } from "../proof/checkpoint";
import { logIdOf } from "../shared/log_id";

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
  const { path } = await get<ConsistencyProof>(`/api/v1/logs/${logId}/consistency-proof`, fields);
  return (path ?? []).map((hash) => fromBase64(hash, "a hash of the consistency proof"));
}

async function askForChanges(origin: string, size: bigint): Promise<readonly string[]> {
  if (size === 0n) return [];
  try {
    const fields = { leaf_index: String(size - 1n), for_evidence: true };
    const path = `/api/v1/logs/${await logIdOf(origin)}/inclusion-proof`;
    return (await get<InclusionProof>(path, fields)).keyChanges ?? [];
  } catch (error) {
    if (error instanceof ApiError && error.isForbidden) return [];
    throw error;
  }
}
