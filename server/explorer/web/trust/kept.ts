/** The checkpoints and key changes of logs that this browser keeps. */
import { all, update } from "./database";
import { longer } from "./log_keys";
import type { KeptCheckpoint } from "./witness";

/**
 * A log of which only the key changes are kept has no note: the reader has put its checkpoint away. A key that was
 * replaced stays replaced, whatever became of the records.
 */
const NO_NOTE = "";

const rows = (): Promise<KeptCheckpoint[]> => all<KeptCheckpoint>("checkpoints");

/** The checkpoints that this browser keeps. */
export async function keptCheckpoints(): Promise<KeptCheckpoint[]> {
  return (await rows()).filter(({ note }) => note !== NO_NOTE);
}

/** Key changes of logs that this browser has seen, also of those of which it keeps no checkpoint any more. */
export async function allSeenChanges(): Promise<ReadonlyMap<string, readonly string[]>> {
  return new Map((await rows()).map(({ origin, changes }) => [origin, changes ?? []]));
}

/** The key changes that this browser has seen of a log. */
export async function seenChanges(origin: string): Promise<readonly string[]> {
  return (await allSeenChanges()).get(origin) ?? [];
}

/**
 * Keep a checkpoint in place of the one that it was compared with; if another tab has kept another meanwhile, that one
 * stays, and false is returned.
 */
export async function replace(before: KeptCheckpoint | undefined, after: KeptCheckpoint): Promise<boolean> {
  let isReplaced = false;
  await update<KeptCheckpoint>("checkpoints", after.logId, (now) => {
    isReplaced = (now?.note ?? NO_NOTE) === (before?.note ?? NO_NOTE);
    const changes = longer(now?.changes, after.changes); // another tab may have seen more of them
    return isReplaced ? { ...after, changes } : now;
  });
  return isReplaced;
}

/** Keep no checkpoint of a log any more, so that the next one is accepted, and still keep its key changes. */
export function putAway(logId: string): Promise<void> {
  return update<KeptCheckpoint>("checkpoints", logId, (now) =>
    now?.changes?.length ? { ...now, note: NO_NOTE } : undefined,
  );
}

/** Keep nothing of a log any more: keys of it that were replaced are believed again. */
export function forgetLog(logId: string): Promise<void> {
  return update<KeptCheckpoint>("checkpoints", logId, () => undefined);
}
