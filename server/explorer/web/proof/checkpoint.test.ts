import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { hexOf } from "./bytes";
import { parseCheckpoint } from "./checkpoint";
import { signedBy } from "./cosignature";
import { VerificationError } from "./errors";
import { parseVerifierKey } from "./keys";
import { parseNote } from "./note";

const isMalformed = (error: unknown) => error instanceof VerificationError && error.code === "MALFORMED";

// The example of C2SP tlog-checkpoint, with the cosignatures of tlog-cosignature: two keys, then the checkpoint.
const repository = path.resolve(process.cwd(), "../../..");
const [w1 = "", w2 = "", ...rest] = readFileSync(
  path.join(repository, "tests/notary/cosigned_checkpoint.txt"),
  "utf8",
).split("\n");
const NOTE = rest.join("\n");

// The example of C2SP signed-note.
const SPEC_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k";
const SPEC_TEXT = "This is an example message.\n";
const SPEC_NOTE = `${SPEC_TEXT}\n— example.com/foo Uw2QOgZzLQNzx3vuJeTGFDSuHgTLFR1e46fpBsfTkVE83sGZ8kKkBJbiIwjVbOmlqVqzV1hQfOHQYdnYg2gV1ehp2AA=\n`;

test("the example of the specification is read", () => {
  const checkpoint = parseCheckpoint(NOTE, "the example");
  assert.equal(checkpoint.origin, "example.com/behind-the-sofa");
  assert.equal(checkpoint.size, 20852163n);
  assert.equal(hexOf(checkpoint.root), "0ac5186a91863e8e1d90c808014aa89bf5da8e3ee1d9f07630f0378f68f1ab62");
  assert.equal(checkpoint.extension, "");
  assert.deepEqual(
    checkpoint.signatures.map(({ name, keyId }) => `${name}+${keyId}`),
    ["witness.example.com/w1+8122a5ab", "witness.example.com/w2+784eee27"],
  );
});

test("a cosignature of Ed25519 has its time; one of ML-DSA-44 is not checked; others are none", async () => {
  const checkpoint = parseCheckpoint(NOTE, "the example");
  assert.deepEqual(await signedBy(checkpoint, await parseVerifierKey(w1)), { kind: "valid", time: 1795409934n });
  assert.deepEqual(await signedBy(checkpoint, await parseVerifierKey(w2)), { kind: "unchecked" });
  assert.deepEqual(await signedBy(checkpoint, await parseVerifierKey(SPEC_KEY)), { kind: "none" });
});

test("a cosignature over another checkpoint is wrong", async () => {
  const other = parseCheckpoint(NOTE.replace("20852163", "20852164"), "the example");
  const isWrong = (error: unknown) => error instanceof VerificationError && error.code === "SIGNATURE_WRONG";
  await assert.rejects(signedBy(other, await parseVerifierKey(w1)), isWrong);
});

test("a note keeps its text and its signatures, each once", () => {
  const line = SPEC_NOTE.slice(SPEC_NOTE.indexOf("—"));
  const note = parseNote(SPEC_NOTE + line, "the example");
  assert.equal(note.text, SPEC_TEXT);
  assert.equal(note.signatures.length, 1);
  assert.equal(note.signatures[0]?.keyId, "530d903a");
});

const ORIGIN = "example.com/log";
const ROOT = "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=";
const SIGNATURE = "— example.com/log AAAAAAAA\n";
const noteOf = (...lines: string[]) => `${lines.join("\n")}\n\n${SIGNATURE}`;

test("extension lines are kept", () => {
  assert.equal(parseCheckpoint(noteOf(ORIGIN, "0", ROOT, "a", "b c"), "it").extension, "a\nb c\n");
});

for (const [what, note] of Object.entries({
  nothing: "",
  "no signature": `${ORIGIN}\n1\n${ROOT}\n`,
  "no empty line": `${ORIGIN}\n1\n${ROOT}\n${SIGNATURE}`,
  "no newline at the end": noteOf(ORIGIN, "1", ROOT).slice(0, -1),
  "something after the signatures": `${noteOf(ORIGIN, "1", ROOT)}x`,
  "a carriage return": noteOf(ORIGIN, "1\r", ROOT),
  "an empty origin": noteOf("", "1", ROOT),
  "a space in the origin": noteOf("a b", "1", ROOT),
  "a plus sign in the origin": noteOf("a+b", "1", ROOT),
  "a no-break space in the origin": noteOf("a\u00a0b", "1", ROOT),
  "a leading zero": noteOf(ORIGIN, "01", ROOT),
  "a sign": noteOf(ORIGIN, "+1", ROOT),
  "a negative size": noteOf(ORIGIN, "-1", ROOT),
  "a size of 10^18": noteOf(ORIGIN, "1000000000000000000", ROOT),
  "digits of another script": noteOf(ORIGIN, "١", ROOT),
  "a root hash of 31 bytes": noteOf(ORIGIN, "1", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxqw=="),
  "a root hash in base64 that is not canonical": noteOf(ORIGIN, "1", ROOT.replace("q2I=", "q2J=")),
  "a root hash in the alphabet of URLs": noteOf(ORIGIN, "1", ROOT.replace("/", "_")),
  "no root hash": noteOf(ORIGIN, "1"),
  "an empty extension line": `${ORIGIN}\n1\n${ROOT}\n\nx\n\n${SIGNATURE}`,
  "a control character": noteOf(ORIGIN, "1", ROOT, "a\tb"),
  "a hyphen for the dash": noteOf(ORIGIN, "1", ROOT).replace("—", "-"),
  "a signature that is not base64": noteOf(ORIGIN, "1", ROOT).replace("AAAAAAAA", "AAAAAAA"),
  "a signature that is not canonical": noteOf(ORIGIN, "1", ROOT).replace("AAAAAAAA", "AAAAAAB="),
  "65 signatures": `${ORIGIN}\n1\n${ROOT}\n\n${SIGNATURE.repeat(65)}`,
})) {
  test(`no checkpoint: ${what}`, () => {
    assert.throws(() => parseCheckpoint(note, "it"), isMalformed);
  });
}
