/** Keys that were replaced: a change of keys that was seen of one log makes a key doubtful in all others. */
import type { Checkpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { includes } from "../proof/key_changes";
import { type Key, renamed } from "../proof/keys";
import { parseKeyChange } from "../proof/statement";

/**
 * Find out whether a key signed a checkpoint that was replaced in another log. The keys of a server change in all of
 * its logs at once, so a log without a change may be one that somebody made who stole the key.
 *
 * @param checkpoint checkpoint of a log of which no key change is known
 * @param believed keys that are believed; one that is named after the log is beyond doubt
 * @param seen all key changes that were seen and checked, by the name of the log
 * @returns the name of the log in which the key was replaced
 */
export async function replacedIn(
  checkpoint: Checkpoint,
  believed: readonly Key[],
  seen: ReadonlyMap<string, readonly string[]>,
): Promise<string | undefined> {
  const { origin } = checkpoint;
  const isSignedBy = async (key: Key) => (await signedBy(checkpoint, await renamed(key, origin))).kind === "valid";
  for (const key of believed) if (key.name === origin && (await isSignedBy(key))) return undefined;
  for (const [other, notes] of seen) {
    if (other === origin || !notes.length) continue;
    const changes = await Promise.all(notes.map((note, at) => parseKeyChange(note, `key change ${at + 1}`)));
    for (const [at, { before }] of changes.entries()) {
      const later = changes.slice(at).flatMap((change) => change.after);
      for (const key of before) if (!includes(later, key) && (await isSignedBy(key))) return other;
    }
  }
  return undefined;
}
