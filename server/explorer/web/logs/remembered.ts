/** What this browser remembers of logs: pinned keys, and the last checkpoint that it saw of each (trust/). */
import type { Given } from "./choices";

/** A checkpoint that this browser keeps. */
export interface KeptCheckpoint {
  readonly logId: string;
  readonly note: string;
}

/** Fingerprints of the pinned keys; undefined until they are read. */
export function usePinnedFingerprints(): ReadonlySet<string> | undefined {
  return undefined;
}

/** The checkpoints that this browser keeps, by the log's ID; undefined until they are read. */
export function useKeptCheckpoints(): ReadonlyMap<string, KeptCheckpoint> | undefined {
  return undefined;
}

/** What this browser can give to a verification. */
export function useGiven(): Given {
  return NOTHING;
}

const NOTHING: Given = { checkpoints: [], publicKeys: [] };
