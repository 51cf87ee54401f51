import assert from "node:assert/strict";
import { test } from "node:test";
import { VerificationError } from "../proof/errors";
import { COSIGNATURE, ED25519, keyOf, ML_DSA_44, pemOf, verifierKeyOf } from "../proof/keys";
import { readGivenKeys } from "./given_keys";

const LOG = "shop/audit/a";
const bytes = (byte: number, size = 32) => new Uint8Array(size).fill(byte);
const own = await keyOf(LOG, ED25519, bytes(1));
const quantum = await keyOf(LOG, ML_DSA_44, bytes(2, 1312));
const other = await keyOf("shop/audit/b", ED25519, bytes(3));
const witness = await keyOf("witness.example/w1", COSIGNATURE, bytes(4));
const quantumWitness = await keyOf("witness.example/w2", ML_DSA_44, bytes(5, 1312));

const labels = async (text: string, origin: string | undefined = LOG) => {
  const { keys, witnesses } = await readGivenKeys(text, origin);
  return [keys, witnesses].map((some) => some.map(({ name, type }) => `${name} ${type}`));
};
const refused = (text: string, message: RegExp) =>
  assert.rejects(
    readGivenKeys(text, LOG),
    (error) => error instanceof VerificationError && message.test(error.message),
  );

test("keys of the log and of witnesses are given in one text, in any order", async () => {
  const lines = [witness, own, quantumWitness, quantum].map(verifierKeyOf).join("\r\n");
  assert.deepEqual(await labels(`# keys\n\n${lines}\n`), [
    [`${LOG} 1`, `${LOG} 6`],
    ["witness.example/w1 4", "witness.example/w2 6"],
  ]);
});

test("PEM files are given alone, one after the other, and beside verifier keys", async () => {
  assert.deepEqual(await labels(pemOf(own)), [[" 1"], []]);
  const text = `${pemOf(own)}${verifierKeyOf(witness)}\n${pemOf(other)}`;
  assert.deepEqual(await labels(text), [[" 1", " 1"], ["witness.example/w1 4"]]);
});

test("keys of several logs may be in one file, if the key of this log is among them", async () => {
  assert.deepEqual(await labels([other, own].map(verifierKeyOf).join("\n")), [["shop/audit/b 1", `${LOG} 1`], []]);
  await refused(verifierKeyOf(other), /a key of the log shop\/audit\/b, and the bundle is of shop\/audit\/a/);
});

test("a text that is not a key is refused with a reason", async () => {
  await refused("hello", /not a key/);
  await refused(`${pemOf(own)} and more`, /not a key/);
  await refused(verifierKeyOf(own).replace("+", "+0000"), /not a key|the key ID/);
  await refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", /this is a private key/);
  await refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", /a PEM file, but of no public key/);
});
