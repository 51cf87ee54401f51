import assert from "node:assert/strict";
import { test } from "node:test";
import { areEqual } from "../proof/bytes";
import { VerificationError } from "../proof/errors";
import { fingerprintOf, longFingerprintOf, parseKey, parseKeys, verifierKeyOf } from "../proof/keys";
import { madeKey } from "../proof/made_log";
import {
  believedKeys,
  keyWithFingerprint,
  pin,
  readPinnedKeys,
  requirePinnable,
  textOfPinned,
  unpin,
} from "./pinned_keys";
import { pathOfSquares, squaresOf } from "./qr";
import { pinnedKeys } from "./state";

const ORIGIN = "shop/audit/a";

test("a key is found by its fingerprint, in 16 or 64 digits, and not by a part of it", async () => {
  const [one, other] = [await madeKey(1, ORIGIN), await madeKey(2, ORIGIN)];
  const offered = [other, one].map(verifierKeyOf);
  const [short, long] = [await fingerprintOf(one), await longFingerprintOf(one)];
  for (const text of [
    short,
    long,
    ` ${short.toUpperCase()} `,
    short.replace(/(....)/g, "$1 "),
    short.replace(/(..)(?!$)/g, "$1:"),
  ]) {
    const found = await keyWithFingerprint(text, offered);
    assert.ok(areEqual(found.publicKey, one.publicKey), text);
    assert.equal(found.name, "", "the server says whose key it is, and the reader did not");
  }
  for (const text of ["", short.slice(0, 15), long.slice(0, 40), "0".repeat(16), `${long.slice(0, 63)}g`]) {
    await assert.rejects(keyWithFingerprint(text, offered), VerificationError, text);
  }
});

test("keys are pinned once, by their fingerprint, and unpinned", async () => {
  await readPinnedKeys();
  await pin(await madeKey(1, ORIGIN), " mine ", "pasted");
  await pin(await madeKey(1, "shop/spans/a"), "again", "file");
  assert.deepEqual(
    pinnedKeys.value?.map(({ name, way }) => [name, way]),
    [["again", "file"]],
  );
  const names = async () => (await believedKeys()).map(({ name }) => name);
  assert.deepEqual(await names(), [ORIGIN, "shop/spans/a"]);
  await pin(await madeKey(1, ""), "of all logs", "file");
  assert.deepEqual(await names(), [""]);
  await pin(await madeKey(1, ORIGIN), "of all logs", "file");
  assert.deepEqual(await names(), [""]);
  await unpin(await fingerprintOf(await madeKey(1, "")));
  assert.deepEqual(await believedKeys(), []);
});

test("a pinned key leaves the browser for the logs that it was pinned for, and for no others", async () => {
  const texts = async () => Promise.all(((await readPinnedKeys()) ?? []).map(textOfPinned));
  for (const log of [ORIGIN, "shop/spans/a"]) await pin(await madeKey(1, log), "", "file");
  const [scoped = ""] = await texts();
  assert.deepEqual(
    (await parseKeys(scoped)).map(({ name }) => name),
    [ORIGIN, "shop/spans/a"],
  );
  await pin(await madeKey(1, ""), "", "file");
  const [whole = ""] = await texts();
  assert.match(whole, /^-----BEGIN PUBLIC KEY-----/);
  await unpin(await fingerprintOf(await madeKey(1, "")));
});

test("a text that is too long for a QR code has none", async () => {
  assert.equal(await squaresOf("x".repeat(2332)), undefined);
  assert.ok(await squaresOf("x".repeat(2331)));
});

test("a witness's key cannot be pinned as one of a log", async () => {
  const witness = await parseKey("witness.example.com/w1+8122a5ab+BOpKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs");
  assert.throws(() => requirePinnable(witness), VerificationError);
  await assert.rejects(pin(witness, "", "pasted"), VerificationError);
});

test("the QR code of a key can be read again", async () => {
  const text = verifierKeyOf(await madeKey(3, ORIGIN));
  const squares = (await squaresOf(text)) ?? [];
  const scale = 4;
  const size = squares.length * scale;
  const data = new Uint8Array(size * size * 4).fill(255);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) {
      if (squares[Math.floor(y / scale)]?.[Math.floor(x / scale)])
        data.fill(0, (y * size + x) * 4, (y * size + x) * 4 + 3);
    }
  }
  const { default: decodeQR } = await import("qr/decode.js");
  assert.equal(decodeQR({ width: size, height: size, data }), text);
  assert.match(pathOfSquares(squares), /^(M\d+ \d+h1v1h-1z)+$/);
});
