/** The check of an evidence bundle: the same steps as those of check.py, with the same names and verdicts. */
import { areEqual, hexOf, textIn } from "./bytes";
import { type Checkpoint, parseCheckpoint } from "./checkpoint";
import { signedBy } from "./cosignature";
import { type Commitments, commitmentsIn, countOfSenders, openedBy } from "./disclosures";
import { malformed, VerificationError } from "./errors";
import { areSameJson, type Json, jsonText, parseJson } from "./json";
import { followKeys } from "./key_changes";
import { type Key, labelOf, ML_DSA_44, renamed } from "./keys";
import { leafHash, rootFromPath } from "./merkle";
import { cosignedText, type ReadRecord, readableOf, readRecord } from "./readable";
import { sha256 } from "./sha256";
import { checkSigners } from "./signatures";
import { type KeyChange, parseKeyChange } from "./statement";
import { parseTlogProof, type TlogProof } from "./tlog_proof";

const FILES = ["record.bin", "record.json", "record.tlog-proof", "checkpoint"] as const;
const DISCLOSURES = "disclosures.json";
const KEY_CHANGE = /^key-changes\/[0-9]{4}$/;
const LARGE = 1 << 20; // bytes

/** The result of a step. */
export interface Step {
  readonly name: string;
  readonly ok: boolean;
  /** A sentence for people, which may have text of the bundle in it. */
  readonly detail: string;
}

/** The result of a check. */
export interface Report {
  readonly isProved: boolean;
  readonly steps: readonly Step[];
  /** The record, if it is proved. */
  readonly record?: ReadRecord;
  /** The checkpoint to which the proof leads, if it is proved. */
  readonly checkpoint?: Checkpoint;
  /** Opened values by the marks that stand for them in the record; none unless the record is proved. */
  readonly disclosed: ReadonlyMap<string, Json>;
  /** The parts that nobody checked: other files, and signatures by unknown keys or of ML-DSA-44. */
  readonly notChecked: readonly string[];
}

/** A bundle's files, parsed, and the keys to believe. */
interface Evidence {
  readonly record: Uint8Array;
  readonly claims: ReadonlyMap<string, Json>;
  readonly proof: TlogProof;
  readonly checkpoint: Checkpoint;
  readonly changes: readonly KeyChange[];
  readonly keys: readonly Key[];
  readonly witnesses: readonly Key[];
  readonly disclosures: Uint8Array | undefined;
}

/**
 * Check a bundle. Once it is parsed every step is taken, also after one that fails; this throws nothing.
 *
 * @param files the bundle's files by their names
 * @param keys keys of the log that are believed
 * @param witnesses keys that have to have cosigned the checkpoint
 */
export async function checkBundle(
  files: Record<string, Uint8Array>,
  keys: readonly Key[],
  witnesses: readonly Key[] = [],
): Promise<Report> {
  const steps: Step[] = [];
  const take = async <T>(name: string, step: () => Promise<[string, T]>): Promise<T | undefined> => {
    try {
      const [detail, result] = await step();
      steps.push({ name, ok: true, detail });
      return result;
    } catch (error) {
      if (!(error instanceof VerificationError)) throw error;
      steps.push({ name, ok: false, detail: error.message });
      return undefined;
    }
  };
  const evidence = await take("files", async () => [
    "all files are present and well-formed",
    await parse(files, keys, witnesses),
  ]);
  if (!evidence) return { isProved: false, steps, disclosed: new Map(), notChecked: [] };
  const isProved = () => steps.every(({ ok }) => ok);
  const isLarge = (size: number) => size > LARGE && !isProved();
  await take("inclusion", () => checkInclusion(evidence));
  await take("checkpoint", () => checkProofIsOfCheckpoint(evidence));
  await take("key changes", () => checkKeyChanges(evidence));
  const unchecked = await take("signature", () => checkSignatures(evidence));
  const record = await take("record.json", () => checkReadable(evidence, isLarge(evidence.record.length)));
  await take("witnesses", () => checkWitnesses(evidence));
  const size = evidence.record.length + (evidence.disclosures?.length ?? 0);
  const disclosed = await take("disclosures", () => checkDisclosures(evidence, isLarge(size)));
  const notChecked = leftOver(files, evidence, unchecked ?? []);
  if (!isProved() || !record) return { isProved: false, steps, disclosed: new Map(), notChecked };
  return {
    isProved: true,
    steps,
    record,
    checkpoint: evidence.checkpoint,
    disclosed: disclosed ?? new Map(),
    notChecked,
  };
}

async function parse(
  files: Record<string, Uint8Array>,
  keys: readonly Key[],
  witnesses: readonly Key[],
): Promise<Evidence> {
  const missing = FILES.filter((name) => !Object.hasOwn(files, name));
  if (missing.length) throw malformed(`missing: ${missing.join(", ")}`);
  const names = Object.keys(files)
    .filter((name) => KEY_CHANGE.test(name))
    .sort();
  if (names.some((name, at) => name !== `key-changes/${String(at + 1).padStart(4, "0")}`)) {
    throw malformed("the files in key-changes are not numbered from 0001 on");
  }
  const text = (name: string) => textIn(files[name] ?? new Uint8Array(), name);
  const proof = parseTlogProof(text("record.tlog-proof"), "record.tlog-proof");
  const checkpoint = parseCheckpoint(text("checkpoint"), "checkpoint");
  const claims = parseJson(text("record.json"), "record.json");
  if (!(claims instanceof Map)) throw malformed("record.json is not a JSON object");
  const changes: KeyChange[] = [];
  for (const name of names) changes.push(await parseKeyChange(text(name), name));
  const own = keys.filter(({ name }) => name === "" || name === checkpoint.origin);
  return {
    record: files["record.bin"] ?? new Uint8Array(),
    claims,
    proof,
    checkpoint,
    changes,
    keys: await Promise.all(own.map((key) => renamed(key, checkpoint.origin))),
    witnesses,
    disclosures: Object.hasOwn(files, DISCLOSURES) ? files[DISCLOSURES] : undefined,
  };
}

async function checkInclusion({ record, proof, checkpoint }: Evidence): Promise<[string, undefined]> {
  const entry = await sha256(record);
  const root = await rootFromPath(proof.index, checkpoint.size, await leafHash(entry), proof.path);
  if (!areEqual(root, checkpoint.root)) {
    throw new VerificationError(
      "PROOF_WRONG",
      "the inclusion proof does not lead from the record to the checkpoint's root hash",
    );
  }
  const place = `entry ${proof.index} of the ${checkpoint.size} under the checkpoint's root hash`;
  return [`the record, SHA-256 ${hexOf(entry)}, is ${place}`, undefined];
}

/** The checkpoint may have more signatures, of witnesses that came later. */
async function checkProofIsOfCheckpoint({ proof, checkpoint }: Evidence): Promise<[string, undefined]> {
  const has = checkpoint.signatures.map(({ name, keyId, signature }) => `${name} ${keyId} ${hexOf(signature)}`);
  const proved = proof.checkpoint.signatures.map(
    ({ name, keyId, signature }) => `${name} ${keyId} ${hexOf(signature)}`,
  );
  if (proof.checkpoint.text !== checkpoint.text || !proved.every((signature) => has.includes(signature))) {
    throw new VerificationError("PROOF_WRONG", "record.tlog-proof has another checkpoint than the file checkpoint");
  }
  return ["the proof is for the checkpoint", undefined];
}

async function checkKeyChanges({ checkpoint, changes, keys }: Evidence): Promise<[string, undefined]> {
  if (!changes.length) return ["there are none", undefined];
  await followKeys(checkpoint, changes, keys);
  return [`there are ${changes.length}, each signed by the key before it and the key after it`, undefined];
}

async function checkSignatures({ checkpoint, keys, changes }: Evidence): Promise<[string, readonly Key[]]> {
  const { checked, unchecked } = await checkSigners(checkpoint, keys, changes);
  return [`the checkpoint is signed by ${checked.map(labelOf).sort().join(" and ")}`, unchecked];
}

async function checkReadable(evidence: Evidence, isTooLarge: boolean): Promise<[string, ReadRecord]> {
  if (isTooLarge) throw malformed("it is not read, because record.bin is large and is not proved");
  const record = await recordOf(evidence);
  const [claims, truth] = [evidence.claims, readableOf(record)];
  for (const name of new Set([...truth.keys(), ...claims.keys()])) {
    const [said, is] = [claims.get(name), truth.get(name)];
    if (said === undefined || is === undefined) {
      throw changed(`${JSON.stringify(name)} is in only one of record.json and record.bin`);
    }
    if (!areSameJson(said, is)) {
      const [one, other] = [jsonText(said).slice(0, 200), jsonText(is).slice(0, 200)];
      throw changed(`record.json says ${name} is ${one}, record.bin says ${other}`);
    }
  }
  return ["record.json says what record.bin says", record];
}

async function checkWitnesses({ checkpoint, witnesses }: Evidence): Promise<[string, undefined]> {
  const cosigned: string[] = [];
  for (const witness of witnesses) {
    const signed = await signedBy(checkpoint, witness);
    if (signed.kind === "none") {
      throw new VerificationError("KEY_UNKNOWN", `it is not cosigned by ${labelOf(witness)}`);
    }
    if (signed.kind === "unchecked") {
      throw new VerificationError(
        "NOT_CHECKED",
        `the cosignature of ${labelOf(witness)} is one of ML-DSA-44, which this page cannot check: use 'lognotary check'`,
      );
    }
    cosigned.push(`cosigned by ${labelOf(witness)}${signed.time ? ` at ${cosignedText(signed.time)}` : ""}`);
  }
  return [cosigned.join(", ") || "no witness was given", undefined];
}

async function checkDisclosures(evidence: Evidence, isTooLarge: boolean): Promise<[string, Map<string, Json>]> {
  if (isTooLarge) throw malformed("they are not read, because they are large with their record, which is not proved");
  const found = commitmentsIn(readableOf(await recordOf(evidence)));
  const opened = evidence.disclosures ? await openedBy(evidence.disclosures, found) : new Map<string, Json>();
  return [countsOf(found, opened.size), opened];
}

function countsOf(found: Commitments, open: number): string {
  const others = countOfSenders(found);
  const closed = found.marks.size - others - open;
  const texts = others === 1 ? "1 text" : `${others} texts`;
  const senders = others ? `; its sender wrote ${texts} like a commitment, which opens nothing` : "";
  if (!open && !closed) return `the record has no commitments to values${senders}`;
  const opened = open === 1 ? "1 is open and has its commitment" : `${open} are open and have their commitments`;
  const remain = closed === 1 ? "1 remains closed" : `${closed} remain closed`;
  return `of the values that the record has commitments to, ${opened}, and ${remain}${senders}`;
}

function leftOver(files: Record<string, Uint8Array>, evidence: Evidence, unchecked: readonly Key[]): string[] {
  const { checkpoint, keys, witnesses, changes } = evidence;
  const isRead = (name: string) => name === DISCLOSURES || KEY_CHANGE.test(name) || FILES.some((file) => file === name);
  const named = [...keys, ...witnesses, ...changes.flatMap(({ before, after }) => [...before, ...after])];
  const known = new Set(named.filter(({ type }) => type !== ML_DSA_44).map(labelOf));
  for (const key of unchecked) known.add(labelOf(key));
  const signatures = checkpoint.signatures.map(({ name, keyId }) => `${name}+${keyId}`);
  return [
    ...Object.keys(files)
      .filter((name) => !isRead(name))
      .sort(),
    ...signatures.filter((label) => !known.has(label)).map((label) => `a signature by ${label}`),
    ...unchecked.map((key) => `the signature of ${labelOf(key)}, one of ML-DSA-44, which this page cannot check`),
  ];
}

const recordOf = ({ record, checkpoint, proof }: Evidence) => readRecord(record, checkpoint.origin, proof.index);
const changed = (message: string) => new VerificationError("RECORD_CHANGED", message);
