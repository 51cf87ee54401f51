import assert from "node:assert/strict";
import test from "node:test";
import { hexOf } from "../proof/bytes";
import { VerificationError } from "../proof/errors";
import { leafHash, nodeHash } from "../proof/merkle";
import { stepsOf } from "./path";

const leafOf = (number: number) => leafHash(Uint8Array.of(number));

/** MTH and PATH of RFC 6962, section 2.1, as they are defined there. */
async function treeHash(first: number, end: number): Promise<Uint8Array> {
  if (end - first === 1) return leafOf(first);
  const split = first + largestPower(end - first);
  return nodeHash(await treeHash(first, split), await treeHash(split, end));
}

async function pathOf(leaf: number, first: number, end: number): Promise<[Uint8Array, number, number][]> {
  if (end - first === 1) return [];
  const split = first + largestPower(end - first);
  return leaf < split
    ? [...(await pathOf(leaf, first, split)), [await treeHash(split, end), split, end]]
    : [...(await pathOf(leaf, split, end)), [await treeHash(first, split), first, split]];
}

function largestPower(below: number): number {
  let power = 1;
  while (power * 2 < below) power *= 2;
  return power;
}

test("each step has the leaves on both sides, and its hash is the hash of just these", async () => {
  for (let size = 1; size <= 20; size += 1) {
    for (let leaf = 0; leaf < size; leaf += 1) {
      const path = await pathOf(leaf, 0, size);
      const steps = await stepsOf(
        BigInt(size > 0 ? leaf : 0),
        BigInt(size),
        await leafOf(leaf),
        path.map(([hash]) => hash),
      );
      for (const [at, step] of steps.entries()) {
        const [, first = 0, end = 0] = path[at] ?? [];
        assert.deepEqual([step.besideLeaves.first, step.besideLeaves.last], [BigInt(first), BigInt(end - 1)]);
        assert.equal(step.side, first < leaf ? "left" : "right");
        const { first: from, last: to } = step.parentLeaves;
        assert.equal(hexOf(step.parent), hexOf(await treeHash(Number(from), Number(to) + 1)), `${leaf} of ${size}`);
      }
      const last = steps.at(-1);
      if (last) assert.deepEqual(last.parentLeaves, { first: 0n, last: BigInt(size - 1) });
    }
  }
});

test("a path of another length is refused", async () => {
  await assert.rejects(stepsOf(0n, 2n, await leafOf(0), []), VerificationError);
  await assert.rejects(stepsOf(2n, 2n, await leafOf(0), [await leafOf(1)]), VerificationError);
});
