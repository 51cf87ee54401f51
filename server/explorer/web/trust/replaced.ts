/** Keys that were replaced: a change of keys that was seen of one log makes a key doubtful in all others. */
import { areEqual } from "../proof/bytes";
import type { Checkpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { type Key, renamed } from "../proof/keys";
import { type KeyChange, parseKeyChange } from "../proof/statement";

/**
 * Find out whether a log may be one that somebody made who stole a key which was replaced: it has no key change and is
 * signed by that key, or its own change leads from that key to others than in the log where it was replaced. A log that
 * ended before the change of keys looks the same.
 *
 * @param checkpoint checkpoint of the log
 * @param changes the log's key changes, which were checked, as signed notes
 * @param seen all key changes that were seen and checked, by the name of the log
 * @returns the name of a log in which the key was replaced
 */
export async function replacedIn(
  checkpoint: Checkpoint,
  changes: readonly string[],
  seen: ReadonlyMap<string, readonly string[]>,
): Promise<string | undefined> {
  const { origin } = checkpoint;
  const own = await parsed(changes);
  for (const [other, notes] of seen) {
    if (other === origin || !notes.length) continue;
    for (const [key, successors] of replacements(await parsed(notes))) {
      if (!own.length && (await signedBy(checkpoint, await renamed(key, origin))).kind === "valid") return other;
      const isOther = (change: KeyChange) =>
        isAmong(change.before, key) && !change.after.some((each) => isAmong(successors, each));
      if (own.some(isOther)) return other;
    }
  }
  return undefined;
}

const parsed = (notes: readonly string[]): Promise<KeyChange[]> =>
  Promise.all(notes.map((note, at) => parseKeyChange(note, `key change ${at + 1}`)));

/** The keys that a log's changes replaced, each with all keys that came after it. */
function replacements(changes: readonly KeyChange[]): [Key, readonly Key[]][] {
  return changes.flatMap(({ before }, at): [Key, readonly Key[]][] => {
    const later = changes.slice(at).flatMap(({ after }) => after);
    return before.filter((key) => !isAmong(later, key)).map((key) => [key, later]);
  });
}

/** Return whether a key is among some of another log: names and IDs differ. */
const isAmong = (keys: readonly Key[], { type, publicKey }: Key): boolean =>
  keys.some((each) => each.type === type && areEqual(each.publicKey, publicKey));
