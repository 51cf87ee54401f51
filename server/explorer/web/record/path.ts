/** The way from a leaf to the root of a Merkle tree, with each hash on it: for drawing, and computed here. */
import { nodeHash, rootFromPath } from "../proof/merkle";

/** Leaves [first, last] below a node. */
export interface Leaves {
  readonly first: bigint;
  readonly last: bigint;
}

/** One step up: the hash beside, and the hash of both. */
export interface PathStep {
  /** Side on which the hash from the proof is. */
  readonly side: "left" | "right";
  readonly beside: Uint8Array;
  readonly besideLeaves: Leaves;
  /** HASH(0x01 || left || right), computed here. */
  readonly parent: Uint8Array;
  readonly parentLeaves: Leaves;
}

/**
 * Compute each node on the way from a leaf to the root (RFC 9162, section 2.1.3.2).
 *
 * @param index index of the entry
 * @param size number of entries of the tree
 * @param leaf hash of the leaf
 * @param path hashes from the leaf's sibling up to the child of the root
 * @throws VerificationError if there is no such entry, or the path has more or fewer hashes than it must
 */
export async function stepsOf(
  index: bigint,
  size: bigint,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Promise<PathStep[]> {
  await rootFromPath(index, size, leaf, path); // refuses what does not fit together
  const steps: PathStep[] = [];
  let [fn, sn, height, r] = [index, size - 1n, 0n, leaf];
  for (const beside of path) {
    // The last node of a level may have no other beside it: it is a node of the level above as well.
    if (fn === sn) while (!(fn & 1n)) [fn, sn, height] = [fn >> 1n, sn >> 1n, height + 1n];
    const side = fn & 1n ? "left" : "right";
    const besideLeaves = leavesOf(side === "left" ? fn - 1n : fn + 1n, height, size);
    r = side === "left" ? await nodeHash(beside, r) : await nodeHash(r, beside);
    [fn, sn, height] = [fn >> 1n, sn >> 1n, height + 1n];
    steps.push({ side, beside, besideLeaves, parent: r, parentLeaves: leavesOf(fn, height, size) });
  }
  return steps;
}

function leavesOf(number: bigint, height: bigint, size: bigint): Leaves {
  const end = (number + 1n) << height;
  return { first: number << height, last: (end < size ? end : size) - 1n };
}
