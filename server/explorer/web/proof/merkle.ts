/** Merkle trees of RFC 6962. Where RFC 9162 has the algorithm, names and order are those of its section 2.1. */
import { areEqual, joined } from "./bytes";
import { malformed, VerificationError } from "./errors";
import { sha256 } from "./sha256";

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const LIMIT = 1n << 63n;

/** Hash an entry: HASH(0x00 || entry) (RFC 6962, section 2.1). */
export const leafHash = (entry: Uint8Array): Promise<Uint8Array> => sha256(joined(LEAF, entry));

/** Hash two subtrees: HASH(0x01 || left || right) (RFC 6962, section 2.1). */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Promise<Uint8Array> => sha256(joined(NODE, left, right));

/**
 * Compute the root hash from a leaf and its inclusion path (RFC 6962, section 2.1.1; RFC 9162, section 2.1.3.2).
 *
 * @param index index of the entry
 * @param size number of entries of the tree
 * @param leaf hash of the leaf
 * @param path hashes from the leaf's sibling up to the child of the root
 * @throws VerificationError if there is no such entry, or the path has more or fewer hashes than it must
 */
export async function rootFromPath(
  index: bigint,
  size: bigint,
  leaf: Uint8Array,
  path: readonly Uint8Array[],
): Promise<Uint8Array> {
  requireSizes(index, size);
  requireHashes([leaf, ...path]);
  if (index >= size) throw new VerificationError("PROOF_WRONG", `there is no entry ${index} in a log of ${size}`);
  let [fn, sn, r] = [index, size - 1n, leaf];
  for (const p of path) {
    if (sn === 0n) throw new VerificationError("PROOF_WRONG", "the inclusion proof is too long");
    if (fn & 1n || fn === sn) {
      r = await nodeHash(p, r);
      while (fn && !(fn & 1n)) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      r = await nodeHash(r, p);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) throw new VerificationError("PROOF_WRONG", "the inclusion proof is too short");
  return r;
}

/**
 * Check a consistency proof (RFC 6962, section 2.1.2; RFC 9162, section 2.1.4.2).
 *
 * The RFC leaves out two cases in which there is nothing to prove. Their proof has to be empty; trees of the same size
 * have the same root, and the empty tree has the SHA-256 of nothing.
 *
 * @param first size of the earlier tree
 * @param second size of the later tree
 * @param firstRoot root hash of the earlier tree
 * @param secondRoot root hash of the later tree
 * @param proof the proof's hashes
 * @throws VerificationError if the later tree is not proved to begin with the earlier one
 */
export async function checkConsistency(
  first: bigint,
  second: bigint,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): Promise<void> {
  requireSizes(first, second);
  requireHashes([firstRoot, secondRoot, ...proof]);
  if (first > second) {
    throw new VerificationError("PROOF_WRONG", `a tree of ${second} leaves cannot extend a tree of ${first}`);
  }
  for (const [size, root] of [
    [first, firstRoot],
    [second, secondRoot],
  ] as const) {
    if (size === 0n && !areEqual(root, await sha256(new Uint8Array()))) {
      throw new VerificationError("PROOF_WRONG", "the root hash of an empty tree must be the SHA-256 of nothing");
    }
  }
  if (first === 0n || first === second) {
    if (proof.length) throw new VerificationError("PROOF_WRONG", "the consistency proof is too long");
    if (first === second && !areEqual(firstRoot, secondRoot)) {
      throw new VerificationError("PROOF_WRONG", `two trees of ${first} leaves have different root hashes`);
    }
    return;
  }
  await checkGrowth(first, second, firstRoot, secondRoot, proof);
}

async function checkGrowth(
  first: bigint,
  second: bigint,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): Promise<void> {
  // The first tree of a perfect one is the proof's first hash, which is not sent.
  const isPerfect = (first & (first - 1n)) === 0n;
  const [start, ...rest] = isPerfect ? [firstRoot, ...proof] : proof;
  if (!start || !proof.length) throw new VerificationError("PROOF_WRONG", "the consistency proof is too short");
  let [fn, sn] = [first - 1n, second - 1n];
  while (fn & 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [start, start];
  for (const c of rest) {
    if (sn === 0n) throw new VerificationError("PROOF_WRONG", "the consistency proof is too long");
    if (fn & 1n || fn === sn) {
      [fr, sr] = [await nodeHash(c, fr), await nodeHash(c, sr)];
      while (fn && !(fn & 1n)) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      sr = await nodeHash(sr, c);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) throw new VerificationError("PROOF_WRONG", "the consistency proof is too short");
  if (!areEqual(fr, firstRoot)) {
    throw new VerificationError("PROOF_WRONG", "the consistency proof does not lead to the earlier root hash");
  }
  if (!areEqual(sr, secondRoot)) {
    throw new VerificationError("PROOF_WRONG", "the consistency proof does not lead to the later root hash");
  }
}

function requireSizes(...sizes: readonly bigint[]): void {
  if (sizes.some((size) => size < 0n || size >= LIMIT)) throw malformed("a size or an index is not from 0 to 2^63 - 1");
}

function requireHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.some((hash) => hash.length !== 32)) throw malformed("a hash does not have 32 bytes");
}
