import assert from "node:assert/strict";
import { test } from "node:test";
import { hexOf } from "./bytes";
import { VerificationError } from "./errors";
import {
  areSame,
  ED25519,
  fingerprintOf,
  keyOf,
  longFingerprintOf,
  parseKey,
  parseKeys,
  pemOf,
  renamed,
  verifierKeyOf,
} from "./keys";

// The example of C2SP signed-note.
const SPEC = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
// The public key of docs/evidence.md, a worked example, is 32 bytes as any other.
const PUBLIC = Uint8Array.from({ length: 32 }, (_, at) => at);

test("the key of the specification is read, and written again as it was", async () => {
  const key = await parseKey(`${SPEC}\n`);
  assert.equal(key.name, "example.com/foo");
  assert.equal(key.type, ED25519);
  assert.equal(key.id, "530d903a");
  assert.equal(verifierKeyOf(key), SPEC);
});

test("a key under another name has another ID, and the same fingerprint", async () => {
  const key = await parseKey(SPEC);
  const other = await renamed(key, "example.com/bar");
  assert.notEqual(other.id, key.id);
  assert.ok(!areSame(key, other));
  assert.equal(await fingerprintOf(other), await fingerprintOf(key));
});

test("a PEM file of an Ed25519 key is read as OpenSSL writes it", async () => {
  const key = await keyOf("", ED25519, PUBLIC);
  const pem =
    "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n-----END PUBLIC KEY-----\n";
  assert.equal(pemOf(key), pem);
  assert.ok(areSame(await parseKey(pem.replaceAll("\n", "\r\n")), key));
});

test("a fingerprint is the beginning of the SHA-256 of the public key, without its type", async () => {
  const key = await keyOf("any", ED25519, PUBLIC);
  // printf of the bytes 00 to 1f | sha256sum
  assert.equal(await longFingerprintOf(key), "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd");
  assert.equal(await fingerprintOf(key), "630dcd2966c43366");
  assert.equal(hexOf(key.publicKey.subarray(0, 2)), "0001");
});

for (const [text, words] of [
  ["", /there is no key/],
  ["name", /looks like/],
  ["name+530d903a+***", /looks like/],
  ["a name+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /looks like/],
  [SPEC.replace("530d903a", "530D903A"), /looks like/],
  [SPEC.replace("530d903a", "530d903b"), /mistyped/],
  [SPEC.replace("example", "exemple"), /mistyped/],
  [SPEC.replace("AekyeRrm", "AekyeRrn"), /mistyped/],
  [SPEC.replace("U2k", "U2l"), /not (canonical )?base64|mistyped/],
  [SPEC.replace("+Aeky", "+Auky"), /not Ed25519/],
  [`${SPEC}\n${SPEC}`, /there are 2/],
  ["-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----", /of no Ed25519/],
  ["-----BEGIN PRIVATE KEY-----\nMCow\n-----END PRIVATE KEY-----", /private key.* public-key\.pem/],
  ["-----BEGIN EC PRIVATE KEY-----\nMCow\n-----END EC PRIVATE KEY-----", /private key.* public-key\.pem/],
  ["-----BEGIN CERTIFICATE-----\nMCow\n-----END CERTIFICATE-----", /of no public key/],
] as const) {
  test(`no key: ${JSON.stringify(text.slice(0, 40))} ${words}`, async () => {
    await assert.rejects(parseKey(text), (error) => error instanceof VerificationError && words.test(error.message));
  });
}

test("a file of verifier keys has one a line", async () => {
  const other = verifierKeyOf(await keyOf("example.com/bar", ED25519, PUBLIC));
  assert.deepEqual((await parseKeys(`${SPEC}\r\n\r\n${other}\n`)).map(verifierKeyOf), [SPEC, other]);
});
