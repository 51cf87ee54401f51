import assert from "node:assert/strict";
import { test } from "node:test";
import { hexOf } from "./bytes";
import { byBrowser, byLibrary, isSignedWith } from "./ed25519";
import { sha256 } from "./sha256";

const bytesOf = (hex: string) => Uint8Array.from(Buffer.from(hex, "hex"));

// RFC 8032, section 7.1: tests 1, 2 and 3.
const VECTORS = [
  [
    "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
    "",
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
  ],
  [
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
    "72",
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ],
  [
    "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
    "af82",
    "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
  ],
].map((vector) => vector.map(bytesOf)) as [Uint8Array, Uint8Array, Uint8Array][];

for (const [name, verify] of [
  ["browser", byBrowser],
  ["library", byLibrary],
  ["chosen", isSignedWith],
] as const) {
  test(`the ${name} implementation accepts the vectors of RFC 8032, and nothing that is changed`, async () => {
    for (const [key, message, signature] of VECTORS) {
      assert.equal(await verify(key, signature, message), true);
      assert.equal(await verify(key, signature, Uint8Array.of(...message, 0)), false);
      for (const at of [0, 31, 32, 40]) {
        const changed = signature.slice();
        changed[at] = (changed[at] ?? 0) ^ 1;
        assert.equal(await verify(key, changed, message), false);
      }
    }
  });

  test(`the ${name} implementation refuses a signature that was moved by the order of the group`, async () => {
    // RFC 8032, section 5.1.7: S is below L; S + L would be a second signature over the same message.
    const [key, message, signature] = VECTORS[1] as [Uint8Array, Uint8Array, Uint8Array];
    let moved = (1n << 252n) + 27742317777372353535851937790883648493n;
    for (let at = 63; at >= 32; at -= 1) moved += BigInt(signature[at] ?? 0) << BigInt(8 * (at - 32));
    const other = signature.slice();
    for (let at = 32; at < 64; at += 1) other[at] = Number((moved >> BigInt(8 * (at - 32))) & 0xffn);
    assert.equal(await verify(key, other, message), false);
  });
}

test("bytes of other lengths, and a key that is not a point, are not a signature, and not an error", async () => {
  const [key, message, signature] = VECTORS[0] as [Uint8Array, Uint8Array, Uint8Array];
  assert.equal(await isSignedWith(key.subarray(1), signature, message), false);
  assert.equal(await isSignedWith(key, signature.subarray(1), message), false);
  assert.equal(await isSignedWith(key, new Uint8Array(), message), false);
  assert.equal(await isSignedWith(new Uint8Array(32).fill(2), signature, message), false);
});

test("SHA-256 is the same where pages may not use the browser's", async () => {
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-4
  const there = Object.getOwnPropertyDescriptor(globalThis, "crypto");
  assert.equal(hexOf(await sha256(Buffer.from("abc"))), abc);
  Object.defineProperty(globalThis, "crypto", { value: undefined, configurable: true });
  try {
    assert.equal(hexOf(await sha256(Buffer.from("abc"))), abc);
  } finally {
    if (there) Object.defineProperty(globalThis, "crypto", there);
  }
});
