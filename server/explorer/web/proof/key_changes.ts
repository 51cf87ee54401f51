/** Key changes of a log: which keys are in force at which size. */
import { areEqual } from "./bytes";
import type { Checkpoint } from "./checkpoint";
import { signedBy } from "./cosignature";
import { VerificationError } from "./errors";
import { areSame, ED25519, type Key } from "./keys";
import type { KeyChange } from "./statement";

/** Keys that sign a log from one size to another, both included. */
export interface KeySpan {
  readonly keys: readonly Key[];
  readonly first: bigint;
  readonly last: bigint;
}

/**
 * Check the key changes of a checkpoint's log; return which keys sign from which to which size.
 *
 * Each change is signed by the Ed25519 keys before it and after it. So to believe one key is to believe all. At the
 * size of a change both sign: the log may have had that size before it and after it.
 *
 * @param checkpoint checkpoint of the log
 * @param changes all changes, in their order; at least one
 * @param believed keys of the log that the reader believes
 * @throws VerificationError if a change is wrong, or no key that is believed is one of them
 */
export async function followKeys(
  checkpoint: Checkpoint,
  changes: readonly KeyChange[],
  believed: readonly Key[],
): Promise<KeySpan[]> {
  const roots = new Map([[checkpoint.size, checkpoint.root]]);
  for (const [at, change] of changes.entries()) {
    await checkChange(checkpoint.origin, change, roots);
    const following = changes[at + 1];
    if (following) checkOrder(change, following);
  }
  const sides = [changes[0]?.before ?? [], ...changes.map(({ after }) => after)];
  const sizes = [0n, ...changes.map((change) => change.checkpoint.size), 1n << 63n];
  const spans = sides.map((keys, at) => ({ keys, first: sizes[at] ?? 0n, last: sizes[at + 1] ?? 0n }));
  const signing = spans.flatMap(({ keys }) => keys).filter(({ type }) => type === ED25519);
  if (!signing.some((key) => includes(believed, key))) {
    throw new VerificationError(
      "KEY_UNKNOWN",
      "no key that was given is one of those that the key changes lead from or to",
    );
  }
  return spans;
}

/** Return whether a key is among some. */
export const includes = (keys: readonly Key[], key: Key): boolean => keys.some((each) => areSame(each, key));

async function checkChange(origin: string, change: KeyChange, roots: Map<bigint, Uint8Array>): Promise<void> {
  const { checkpoint } = change;
  const what = `change ${change.number} of the keys`;
  if (checkpoint.origin !== origin) throw wrong(`${what} is of another log`);
  const known = roots.get(checkpoint.size);
  if (known && !areEqual(known, checkpoint.root)) {
    throw new VerificationError(
      "LOG_FORKED",
      `${what} has another root hash for ${checkpoint.size} entries: the log was forked`,
    );
  }
  roots.set(checkpoint.size, checkpoint.root);
  for (const side of [change.before, change.after]) {
    const signing = side.filter(({ type }) => type === ED25519); // ML-DSA-44 does not sign extension lines
    if (!signing.length) throw unsigned(what);
    for (const key of signing) if ((await signedBy(checkpoint, key)).kind === "none") throw unsigned(what);
  }
}

function checkOrder(change: KeyChange, following: KeyChange): void {
  const [what, next] = [`change ${change.number} of the keys`, `change ${following.number} of the keys`];
  if (following.number <= change.number || following.checkpoint.size < change.checkpoint.size) {
    throw wrong(`${next} cannot follow ${what}`);
  }
  const goesOn =
    following.before.every((key) => includes(change.after, key)) &&
    change.after.every((key) => includes(following.before, key));
  if (!goesOn) throw wrong(`${next} does not go on from ${what}`);
}

const wrong = (message: string) => new VerificationError("PROOF_WRONG", message);
const unsigned = (what: string) =>
  new VerificationError("KEY_UNKNOWN", `${what} is not signed by both the key before it and the key after it`);
