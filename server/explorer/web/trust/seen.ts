/** Checkpoints that this browser saw: a log has one root hash at each size. */
import { areEqual } from "../proof/bytes";
import type { Checkpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";

/** Root hashes by log and size. */
export class SeenRoots {
  private readonly roots = new Map<string, Uint8Array>();

  /** Remember a checkpoint whose signature is valid. Throws VerificationError if another one was seen at its size. */
  compare({ origin, size, root }: Checkpoint): void {
    const place = `${origin}\n${size}`;
    const known = this.roots.get(place);
    if (known && !areEqual(known, root)) {
      throw new VerificationError(
        "LOG_FORKED",
        `${origin}: the log has two histories: two checkpoints of ${size} entries have different root hashes`,
      );
    }
    this.roots.set(place, root);
  }
}
