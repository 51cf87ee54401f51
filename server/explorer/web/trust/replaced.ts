/** Keys that were replaced: a change of keys that was seen of one log makes a key doubtful in all others. */
import { areEqual } from "../proof/bytes";
import type { Checkpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { ED25519, type Key, renamed } from "../proof/keys";
import { type KeyChange, parseKeyChange } from "../proof/statement";

/**
 * Find out whether a log may be one that somebody made, or continued, who stole a key which was replaced: the key is
 * used in it, and the log has no change from that key to one that came after it elsewhere. A log that ended before the
 * change of keys looks the same.
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
  const named = own.flatMap(({ before, after }) => [...before, ...after]);
  for (const [other, notes] of seen) {
    if (other === origin || !notes.length) continue;
    for (const [key, successors] of replacements(await parsed(notes))) {
      const isUsed = isAmong(named, key) || (await signedBy(checkpoint, await renamed(key, origin))).kind === "valid";
      if (isUsed && !isReplacedBy(own, key, successors)) return other;
    }
  }
  return undefined;
}

const parsed = (notes: readonly string[]): Promise<KeyChange[]> =>
  Promise.all(notes.map((note, at) => parseKeyChange(note, `key change ${at + 1}`)));

/** The keys that a log's changes replaced, each with all keys that came after it. */
function replacements(changes: readonly KeyChange[]): [Key, readonly Key[]][] {
  return changes.flatMap(({ before }, at): [Key, readonly Key[]][] => {
    const later = keysFrom(changes, at);
    return before.filter((key) => isChecked(key) && !isAmong(later, key)).map((key) => [key, later]);
  });
}

/** Return whether changes lead from a key to one of its successors, at once or by others. */
const isReplacedBy = (changes: readonly KeyChange[], key: Key, successors: readonly Key[]): boolean =>
  changes.some(
    ({ before }, at) => isAmong(before, key) && keysFrom(changes, at).some((each) => isAmong(successors, each)),
  );

/** The keys after a change, and after those that follow, as far as their signatures on the changes were checked. */
const keysFrom = (changes: readonly KeyChange[], at: number): readonly Key[] =>
  changes.slice(at).flatMap(({ after }) => after.filter(isChecked));

const isChecked = ({ type }: Key): boolean => type === ED25519;

/** Return whether a key is among some of another log: names and IDs differ. */
const isAmong = (keys: readonly Key[], { type, publicKey }: Key): boolean =>
  keys.some((each) => each.type === type && areEqual(each.publicKey, publicKey));
