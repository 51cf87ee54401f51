/** Memory of this browser about logs: pinned keys, and the last checkpoint that it saw of each (trust/). */
import { useEffect } from "preact/hooks";
import { useAnswer } from "../common/answer";
import { keptCheckpoints } from "../trust/kept";
import { type PinnedKey, readPinnedKeys, textOfPinned } from "../trust/pinned_keys";
import { lastLook, pinnedKeys } from "../trust/state";
import type { KeptCheckpoint } from "../trust/witness";
import type { Given } from "./choices";
import { latest } from "./part";

/** Fingerprints of the pinned keys; undefined until they are read. */
export function usePinnedFingerprints(): ReadonlySet<string> | undefined {
  const keys = usePinnedKeys();
  return keys && new Set(keys.map(({ fingerprint }) => fingerprint));
}

/** The checkpoints that this browser keeps, by the log's ID; undefined until they are read. */
export function useKeptCheckpoints(): ReadonlyMap<string, KeptCheckpoint> | undefined {
  const answer = useAnswer(async () => {
    const kept = await keptCheckpoints();
    return new Map(kept.map((each) => [each.logId, each]));
  }, [lastLook.value]);
  return latest(answer);
}

/** Evidence that this browser can give to a verification. */
export function useGiven(): Given {
  const kept = useKeptCheckpoints();
  const keys = usePinnedKeys();
  const texts = useAnswer(() => Promise.all((keys ?? []).map(textOfPinned)), [keys]);
  return { checkpoints: [...(kept?.values() ?? [])].map(({ note }) => note), publicKeys: latest(texts) ?? [] };
}

function usePinnedKeys(): readonly PinnedKey[] | undefined {
  useEffect(() => {
    if (!pinnedKeys.peek()) void readPinnedKeys();
  }, []);
  return pinnedKeys.value;
}
