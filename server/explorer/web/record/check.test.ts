import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import test from "node:test";
import type { InclusionProof } from "../api/types";
import { logIdOf } from "../common/log_id";
import { base64Of, fromBase64, joined, utf8 } from "../proof/bytes";
import { columnsOf } from "../proof/columns";
import { VerificationError } from "../proof/errors";
import { ED25519, fingerprintOf, type Key, keyOf, verifierKeyOf } from "../proof/keys";
import { leafHash, nodeHash } from "../proof/merkle";
import { sha256 } from "../proof/sha256";
import { NotInForce } from "../trust/log_keys";
import { checkProof } from "./check";

const ORIGIN = "shop/operational/a";
const NOBODY: Key[] = [];

/** A canonical record of which all columns but the body are empty. */
function recordWith(body: string): Uint8Array {
  const parts = columnsOf("operational", 2).map(([name, kind]) => {
    if (name === "Body") return joined(Uint8Array.of(body.length), utf8(body));
    return new Uint8Array({ time: 8, "1": 1, "4": 4, "8": 8 }[kind as string] ?? 1);
  });
  return joined(Uint8Array.of(0xfe, 255, 255, 255, 255, 255, 255, 255), ...parts);
}

interface Signer {
  key: Key;
  sign: (text: string) => string;
}

async function signer(name = ORIGIN): Promise<Signer> {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = await keyOf(
    name,
    ED25519,
    new Uint8Array(publicKey.export({ format: "der", type: "spki" }).subarray(12)),
  );
  const line = (text: string) => {
    const id = Uint8Array.from(Buffer.from(key.id, "hex"));
    return `— ${name} ${base64Of(joined(id, new Uint8Array(sign(null, Buffer.from(text), privateKey))))}\n`;
  };
  return { key, sign: line };
}

/** The proof of the middle one of three records. */
async function proofBy(log: Signer, record = recordWith("two"), stored = record): Promise<InclusionProof> {
  const leaf = async (content: Uint8Array) => leafHash(await sha256(content));
  const [one, two, three] = [await leaf(recordWith("one")), await leaf(record), await leaf(recordWith("three"))];
  const root = await nodeHash(await nodeHash(one, two), three);
  const text = `${ORIGIN}\n3\n${base64Of(root)}\n`;
  return {
    origin: ORIGIN,
    logId: await logIdOf(ORIGIN),
    leafIndex: "1",
    treeSize: "3",
    leafHash: base64Of(two),
    path: [base64Of(one), base64Of(three)],
    checkpoint: `${text}\n${log.sign(text)}`,
    verifierKeys: [verifierKeyOf(log.key)],
    tlogProof: "",
    record: base64Of(stored),
    keyChanges: [],
    timestamp: "",
  };
}

const wanted = async () => ({ logId: await logIdOf(ORIGIN), leaf: "1" });

test("a record that fits a pinned key is checked", async () => {
  const log = await signer();
  const checked = await checkProof(await proofBy(log), await wanted(), [log.key]);
  assert.deepEqual(checked.outcome, { kind: "checked", key: await fingerprintOf(log.key) });
  assert.equal(checked.signatures[0]?.state, "pinned");
  assert.deepEqual(
    checked.steps.map(({ side }) => side),
    ["left", "right"],
  );
  assert.equal(checked.record?.columns.has("Body"), true);
});

test("without a pinned key, a record that fits everything is not checked", async () => {
  const log = await signer();
  const { outcome, signatures } = await checkProof(await proofBy(log), await wanted(), NOBODY);
  assert.deepEqual(outcome, { kind: "unpinned" });
  assert.equal(signatures[0]?.state, "said");
});

test("a log that another key signed than the pinned one is refuted", async () => {
  const [log, other] = [await signer(), await signer()];
  const { outcome } = await checkProof(await proofBy(log), await wanted(), [other.key]);
  assert.equal(outcome.kind === "refuted" && outcome.finding, "BATCH_FOREIGN_SIGNED");
});

test("a record that was changed behind the log is refuted, and its leaf is still drawn", async () => {
  const log = await signer();
  const proof = await proofBy(log, recordWith("two"), recordWith("2"));
  const checked = await checkProof(proof, await wanted(), [log.key]);
  assert.equal(checked.outcome.kind === "refuted" && checked.outcome.finding, "RECORD_CHANGED");
  assert.deepEqual(checked.root, checked.checkpoint.root);
  assert.notDeepEqual(checked.computedLeaf, checked.saidLeaf);
});

test("a path to another root is refuted", async () => {
  const log = await signer();
  const proof = await proofBy(log);
  const { outcome } = await checkProof({ ...proof, path: [...proof.path].reverse() }, await wanted(), NOBODY);
  assert.equal(outcome.kind === "refuted" && outcome.finding, "RECORD_CHANGED");
});

test("a signature of another text is refuted, whoever pinned what", async () => {
  const log = await signer();
  const proof = await proofBy(log);
  const checkpoint = proof.checkpoint.replace(/— .*\n$/, log.sign("another text\n"));
  const { outcome, signatures } = await checkProof({ ...proof, checkpoint }, await wanted(), NOBODY);
  assert.equal(signatures[0]?.state, "wrong");
  assert.equal(outcome.kind === "refuted" && outcome.finding, "BATCH_ALTERED");
});

test("a checkpoint that none of the named keys signed is refuted", async () => {
  const [log, other] = [await signer(), await signer()];
  const proof = { ...(await proofBy(log)), verifierKeys: [verifierKeyOf(other.key)] };
  const { outcome } = await checkProof(proof, await wanted(), NOBODY);
  assert.equal(outcome.kind === "refuted" && outcome.finding, "BATCH_FOREIGN_SIGNED");
});

test("a proof of another record or log than the one asked for is refused", async () => {
  const proof = await proofBy(await signer());
  const { logId } = await wanted();
  await assert.rejects(checkProof(proof, { logId, leaf: "2" }, NOBODY), VerificationError);
  await assert.rejects(checkProof(proof, { logId: "0".repeat(16), leaf: "1" }, NOBODY), VerificationError);
});

test("without its content, a leaf is still proved", async () => {
  const log = await signer();
  const proof = { ...(await proofBy(log)), record: "" };
  const checked = await checkProof(proof, await wanted(), [log.key]);
  assert.equal(checked.outcome.kind, "checked");
  assert.equal(checked.entry, undefined);
});

test("a record that cannot be decoded is refuted, even if it has the leaf of the log", async () => {
  const log = await signer();
  const proof = await proofBy(log, Uint8Array.of(1, 2, 3));
  const { outcome } = await checkProof(proof, await wanted(), [log.key]);
  assert.equal(outcome.kind === "refuted" && outcome.finding, "RECORD_CHANGED");
});

test("a witness, whose key nobody knows here, is not a signer of the log", async () => {
  const [log, witness] = [await signer(), await signer("witness.example")];
  const proof = await proofBy(log);
  const text = proof.checkpoint.slice(0, proof.checkpoint.indexOf("\n\n") + 1);
  const cosigned = { ...proof, checkpoint: proof.checkpoint + witness.sign(text) };
  const { outcome, signatures } = await checkProof(cosigned, await wanted(), [log.key]);
  assert.equal(outcome.kind, "checked");
  assert.deepEqual(
    signatures.map(({ state, isWitness }) => [state, isWitness]),
    [
      ["pinned", false],
      ["unknown", true],
    ],
  );
});

test("if a key is pinned for another log only, the key that the server names does not count", async () => {
  const [log, other] = [await signer(), await signer("shop/audit/another")];
  const { outcome } = await checkProof(await proofBy(log), await wanted(), [other.key]);
  assert.equal(outcome.kind === "refuted" && outcome.finding, "BATCH_FOREIGN_SIGNED");
});

test("without any key to check the signature with, a record is not taken for one that fits", async () => {
  const proof = { ...(await proofBy(await signer())), verifierKeys: [] };
  const { outcome } = await checkProof(proof, await wanted(), NOBODY);
  assert.equal(outcome.kind, "unproved");
});

test("a proof without keys, by another key than the pinned one, is not refuted: key changes were not told", async () => {
  const [log, older] = [await signer(), await signer()];
  const proof = { ...(await proofBy(log)), verifierKeys: [] };
  const { outcome } = await checkProof(proof, await wanted(), [older.key]);
  assert.equal(outcome.kind, "unproved");
  const said = await checkProof(await proofBy(log), await wanted(), [older.key]);
  assert.equal(said.outcome.kind === "refuted" && said.outcome.finding, "BATCH_FOREIGN_SIGNED");
});

test("a timestamp that is none is named, and refutes nothing", async () => {
  const log = await signer();
  const proof = { ...(await proofBy(log)), timestamp: base64Of(Uint8Array.of(0x30, 0)) };
  const { outcome, timestamp } = await checkProof(proof, await wanted(), [log.key]);
  assert.equal(outcome.kind, "checked");
  assert.ok(timestamp && "problem" in timestamp);
  assert.ok(fromBase64(proof.timestamp, "it").length);
});

test("a name, an ID or a size beside the checkpoint's own is refused: pages and commands name it", async () => {
  const log = await signer();
  const proof = await proofBy(log);
  for (const said of [{ origin: "prod/operational/a" }, { logId: "0".repeat(16) }, { treeSize: "4" }]) {
    await assert.rejects(
      async () => checkProof({ ...proof, ...said }, await wanted(), [log.key]),
      (error) => error instanceof VerificationError && error.code === "PROOF_WRONG",
    );
  }
});

test("an answer in another form than that of a proof is refused as malformed, and one without a path does not hold", async () => {
  const log = await signer();
  const proof = await proofBy(log);
  for (const other of [{ path: "none" }, { path: [1] }, { leafIndex: 1 }, { treeSize: "x" }, { keyChanges: {} }]) {
    await assert.rejects(
      async () => checkProof({ ...proof, ...other } as unknown as InclusionProof, await wanted(), [log.key]),
      (error) => error instanceof VerificationError && error.code === "MALFORMED",
    );
  }
  const { path: _, ...without } = proof;
  await assert.rejects(async () => checkProof(without as InclusionProof, await wanted(), []), VerificationError);
});

/** The statement that the key of the log changed at 2 of its 3 entries. */
function keyChange(before: Signer, after: Signer): string {
  const words = `${verifierKeyOf(after.key)} after ${verifierKeyOf(before.key)}`;
  const text = `${ORIGIN}\n2\n${base64Of(new Uint8Array(32))}\nlognotary/v1 1 1767225600 keys ${words}\n`;
  return `${text}\n${before.sign(text)}${after.sign(text)}`;
}

test("a key that was replaced vouches for nothing later, also if the server leaves out the change that was seen", async () => {
  const [old, log] = [await signer(), await signer()];
  const change = keyChange(old, log);
  const forged = await proofBy(old);
  for (const pinned of [[old.key], [old.key, log.key], NOBODY]) {
    for (const verifierKeys of [[], [verifierKeyOf(old.key)]]) {
      const checked = await checkProof({ ...forged, verifierKeys }, await wanted(), pinned, [change]);
      const { outcome, failure } = checked;
      assert.equal(outcome.kind === "refuted" && outcome.finding, "BATCH_FOREIGN_SIGNED");
      if (pinned.includes(old.key)) assert.ok(failure instanceof NotInForce);
    }
    const { outcome } = await checkProof(await proofBy(log), await wanted(), pinned, [change]);
    assert.equal(outcome.kind, pinned.length ? "checked" : "unpinned");
  }
  const told = await checkProof({ ...forged, keyChanges: [change] }, await wanted(), NOBODY);
  assert.equal(told.outcome.kind, "refuted");
});

test("another key change than the one that was seen is refuted, and the one that was seen is drawn", async () => {
  const [old, log, thief] = [await signer(), await signer(), await signer()];
  const proof = { ...(await proofBy(thief)), keyChanges: [keyChange(old, thief)] };
  const { outcome, changes } = await checkProof(proof, await wanted(), [old.key], [keyChange(old, log)]);
  assert.equal(outcome.kind === "refuted" && outcome.finding, "BATCH_FOREIGN_SIGNED");
  assert.deepEqual(
    changes.map(({ after }) => after.map(({ id }) => id)),
    [[log.key.id]],
  );
});
