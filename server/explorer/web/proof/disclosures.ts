/** Values to which a record has commitments (docs/writing-a-verifier.md, disclosures). */
import { fromBase64, hexOf, joined, textIn } from "./bytes";
import { malformed, VerificationError } from "./errors";
import { type Json, parseJson } from "./json";
import { readableText } from "./readable";
import { sha256 } from "./sha256";

const FILE = "disclosures.json";
const FORMAT = "lognotary/disclosures/v1";
const MEMBERS = ["commitment", "rule", "salt", "value"] as const;
const MARK = /\[redacted:([a-z0-9_.]+):sha256:([0-9a-f]{64})\]/g;
// Values that are bytes are stored as base64, which has at least so many characters if there is a commitment in it.
const BASE64_RUN = /([A-Za-z0-9+/]+)={0,2}/g;
const SHORTEST_RUN = 96;
const SALT = 32; // bytes; were it any number, bytes could be moved from the value to the salt

/** The commitments in a record. */
export interface Commitments {
  /** Marks in its texts, such as `[redacted:card:sha256:…]`, each with its digits. */
  readonly marks: ReadonlyMap<string, string>;
  /** Digits of those that the server has made. A mark with others was written by the sender. */
  readonly made: ReadonlySet<string>;
}

/** Find the commitments in a record, as `readableOf` returns it. */
export function commitmentsIn(record: ReadonlyMap<string, Json>): Commitments {
  const marks = new Map<string, string>();
  const look = (text: string) => {
    for (const [mark, , digits = ""] of text.matchAll(MARK)) marks.set(mark, digits);
  };
  for (const text of textsIn(record)) {
    look(text);
    for (const [run, digits = ""] of text.matchAll(BASE64_RUN)) {
      if (digits.length >= SHORTEST_RUN && run.length % 4 === 0) look(atob(run));
    }
  }
  return { marks, made: madeIn(record.get("OtlpDetails")) };
}

/** The number of marks that a sender wrote, which open nothing. */
export function countOfSenders({ marks, made }: Commitments): number {
  return [...marks.values()].filter((digits) => !made.has(digits)).length;
}

/**
 * The opened values of disclosures.json, by the mark that stands for each. One that is not UTF-8 is in base64.
 *
 * Throws VerificationError if the record has no commitment to a value, or the file is malformed.
 */
export async function openedBy(content: Uint8Array, { marks, made }: Commitments): Promise<Map<string, Json>> {
  const opened = new Map<string, Json>();
  for (const [at, given] of parseDisclosures(content, marks.size).entries()) {
    const where = `value ${at + 1} in ${FILE}`;
    const [commitment, rule, salt, value] = membersOf(given, where);
    const mark = `[redacted:${rule}:sha256:${commitment}]`;
    if (!marks.has(mark)) {
      throw changed(
        `${where}: the record has no commitment ${commitment.slice(0, 64)} by the rule ${rule.slice(0, 64)}`,
      );
    }
    if (!made.has(commitment)) {
      throw changed(
        `${where}: the record does not list ${commitment} among the commitments that the server has made in it: the ` +
          "sender of the record wrote it, and nothing ties the value to the record",
      );
    }
    if (opened.has(mark)) throw malformed(`${where}: the commitment ${commitment} is there twice`);
    const salted = fromBase64(salt, `the salt of ${where}`);
    const bytes = value ? fromBase64(value, where) : new Uint8Array();
    if (salted.length !== SALT) throw malformed(`${where}: its salt has ${salted.length} bytes instead of ${SALT}`);
    if (hexOf(await sha256(joined(salted, bytes))) !== commitment) {
      throw changed(`${where}: SHA-256 of its salt and value is not the commitment ${commitment}`);
    }
    opened.set(mark, readableText(bytes));
  }
  return opened;
}

function parseDisclosures(content: Uint8Array, commitments: number): readonly Json[] {
  const text = textIn(content, FILE);
  const begun = text.split("{").length + text.split("[").length - 2;
  if (begun > 1000 + 10 * commitments) {
    throw malformed(`${FILE} has more than values of the record's ${commitments} commitments`);
  }
  const parsed = parseJson(text, FILE);
  if (!(parsed instanceof Map) || parsed.get("format") !== FORMAT) {
    throw malformed(`${FILE} does not have the format ${FORMAT}, which this page knows: use a newer Lognotary`);
  }
  const given = parsed.get("disclosures");
  if (parsed.size !== 2 || !Array.isArray(given)) {
    throw malformed(`${FILE} does not have exactly its format and a list of disclosures`);
  }
  return given;
}

function membersOf(given: Json, where: string): [string, string, string, string] {
  const members = given instanceof Map && given.size === MEMBERS.length ? MEMBERS.map((name) => given.get(name)) : [];
  if (members.length === 0 || !members.every((member) => typeof member === "string")) {
    throw malformed(`${where} does not have exactly the texts ${MEMBERS.join(", ")}`);
  }
  return members as [string, string, string, string];
}

function madeIn(details: Json | undefined): Set<string> {
  if (typeof details !== "string" || details === "") return new Set();
  try {
    const parsed = parseJson(details, "OtlpDetails", { mayRepeat: true });
    const listed = parsed instanceof Map ? parsed.get("commitments") : undefined;
    return new Set(Array.isArray(listed) ? listed.filter((each) => typeof each === "string") : []);
  } catch (error) {
    if (error instanceof VerificationError) return new Set(); // no server writes such details
    throw error;
  }
}

function* textsIn(value: Json): Generator<string> {
  if (typeof value === "string") yield value;
  else if (value instanceof Map) for (const each of value.values()) yield* textsIn(each);
  else if (Array.isArray(value)) for (const each of value) yield* textsIn(each);
}

const changed = (message: string) => new VerificationError("RECORD_CHANGED", message);
