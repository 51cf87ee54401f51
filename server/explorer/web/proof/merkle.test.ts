import assert from "node:assert/strict";
import { test } from "node:test";
import { areEqual, hexOf, joined } from "./bytes";
import { VerificationError } from "./errors";
import { checkConsistency, leafHash, nodeHash, rootFromPath } from "./merkle";
import { sha256 } from "./sha256";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));
const refused = (code: string, words: RegExp) => (error: unknown) => {
  assert.ok(error instanceof VerificationError);
  assert.equal(error.code, code);
  assert.match(error.message, words);
  return true;
};

// The test tree of the reference code of Certificate Transparency (transparency-dev/merkle, testonly).
const ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
].map(bytesOf);
const PATHS: [number, number, string[]][] = [
  [0, 1, []],
  [
    0,
    8,
    [
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
  ],
  [
    5,
    8,
    [
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [2, 3, ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"]],
  [
    1,
    5,
    [
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
];
const CONSISTENCY: [number, number, string[]][] = [
  [1, 1, []],
  [1, 8, PATHS[1]?.[2] ?? []],
  [
    6,
    8,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
  [
    2,
    5,
    [
      "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
      "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
  ],
  [
    6,
    7,
    [
      "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
      "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
  ],
];
const root = (size: number) => ROOTS[size] ?? new Uint8Array();

test("paths of the reference vectors lead to their roots", async () => {
  for (const [index, size, path] of PATHS) {
    const leaf = await leafHash(bytesOf(ENTRIES[index] ?? ""));
    assert.ok(areEqual(await rootFromPath(BigInt(index), BigInt(size), leaf, path.map(bytesOf)), root(size)));
  }
});

test("proofs of the reference vectors hold, and only between their trees", async () => {
  for (const [first, second, proof] of CONSISTENCY) {
    const given = proof.map(bytesOf);
    await checkConsistency(BigInt(first), BigInt(second), root(first), root(second), given);
    if (first === second) continue;
    const other = checkConsistency(BigInt(first), BigInt(second), root(first), root(second - 1), given);
    await assert.rejects(other, refused("PROOF_WRONG", /later root hash/));
    const isPerfect = (first & (first - 1)) === 0;
    const earlier = checkConsistency(BigInt(first), BigInt(second), root(first - 1), root(second), given);
    await assert.rejects(earlier, refused("PROOF_WRONG", isPerfect ? /later/ : /earlier/));
  }
});

test("leaves and nodes are kept apart by their first byte", async () => {
  const [left, right] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
  assert.equal(hexOf(await leafHash(left)), hexOf(await sha256(joined(Uint8Array.of(0), left))));
  assert.equal(hexOf(await nodeHash(left, right)), hexOf(await sha256(joined(Uint8Array.of(1), left, right))));
});

test("a path with more or fewer hashes, and an entry that is not there, are refused", async () => {
  const leaf = new Uint8Array(32);
  await assert.rejects(rootFromPath(1n, 1n, leaf, []), refused("PROOF_WRONG", /no entry 1 in a log of 1/));
  await assert.rejects(rootFromPath(0n, 0n, leaf, []), refused("PROOF_WRONG", /no entry 0/));
  await assert.rejects(rootFromPath(0n, 1n, leaf, [leaf]), refused("PROOF_WRONG", /too long/));
  await assert.rejects(rootFromPath(0n, 2n, leaf, []), refused("PROOF_WRONG", /too short/));
});

test("sizes and hashes that no tree has are refused, at any size that a log can have", async () => {
  const leaf = new Uint8Array(32);
  const deepest = Array.from({ length: 63 }, () => leaf);
  const largest = (1n << 63n) - 1n;
  assert.equal((await rootFromPath(0n, largest, leaf, deepest)).length, 32);
  await assert.rejects(rootFromPath(0n, largest, leaf, deepest.slice(1)), refused("PROOF_WRONG", /too short/));
  await assert.rejects(rootFromPath(0n, largest + 1n, leaf, deepest), refused("MALFORMED", /2\^63/));
  await assert.rejects(rootFromPath(-1n, 1n, leaf, []), refused("MALFORMED", /2\^63/));
  await assert.rejects(rootFromPath(0n, 2n, leaf, [new Uint8Array(31)]), refused("MALFORMED", /32 bytes/));
});

test("what the RFC leaves out: empty trees, and trees of one size", async () => {
  const [empty, some] = [root(0), root(3)];
  await checkConsistency(0n, 0n, empty, empty, []);
  await checkConsistency(0n, 3n, empty, some, []);
  await assert.rejects(checkConsistency(0n, 3n, some, some, []), refused("PROOF_WRONG", /SHA-256 of nothing/));
  await assert.rejects(checkConsistency(0n, 3n, empty, some, [some]), refused("PROOF_WRONG", /too long/));
  await assert.rejects(checkConsistency(3n, 3n, some, root(4), []), refused("PROOF_WRONG", /different root/));
  await assert.rejects(checkConsistency(3n, 3n, some, some, [some]), refused("PROOF_WRONG", /too long/));
  await assert.rejects(checkConsistency(4n, 3n, root(4), some, []), refused("PROOF_WRONG", /cannot extend/));
  await assert.rejects(checkConsistency(1n, 2n, root(1), root(2), []), refused("PROOF_WRONG", /too short/));
});
