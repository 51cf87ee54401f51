/** Signed notes (C2SP signed-note): a text, an empty line, and signature lines. */
import { base64Of, bytesOfHex, fromBase64, hexOf, joined } from "./bytes";
import { malformed } from "./errors";

const MOST_SIGNATURES = 64;
const MOST_CHARACTERS = 1 << 20;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a note must not have
const CONTROL = /[\x00-\x09\x0b-\x1f]/;
// What Unicode calls spaces, written out: \s is something else in each language.
const SPACE = "\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const NAME = `[^+\\x00-\\x20${SPACE}\\ud800-\\udfff]+`;
const SIGNATURE_LINE = new RegExp(`^— (${NAME}) ([A-Za-z0-9+/=]+)$`, "u");
const KEY_NAME = new RegExp(`^${NAME}$`, "u");

/** One signature line: the key's name, its ID in hexadecimal digits, and the signature. */
export interface NoteSignature {
  readonly name: string;
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** A note; `text` ends with a newline, and is what is signed. */
export interface Note {
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Return whether a text may be the name of a key: not empty, no spaces, no plus sign, no control characters. */
export const isKeyName = (text: string): boolean => KEY_NAME.test(text);

/** Parse a note; no signature is checked. Throws VerificationError if `where` is none. */
export function parseNote(note: string, where: string): Note {
  const end = note.lastIndexOf("\n\n");
  if (end < 0 || !note.endsWith("\n") || note.length > MOST_CHARACTERS || CONTROL.test(note)) {
    throw malformed(`${where} is not a signed note`);
  }
  const lines = note.slice(end + 2, -1).split("\n");
  if (lines.length > MOST_SIGNATURES) throw malformed(`${where} has more than ${MOST_SIGNATURES} signatures`);
  const signatures = new Map<string, NoteSignature>();
  for (const line of lines) {
    const [, name, encoded] = SIGNATURE_LINE.exec(line) ?? [];
    if (name === undefined || encoded === undefined) throw malformed(`${where} is not a signed note`);
    const blob = fromBase64(encoded, `a signature in ${where}`);
    signatures.set(line, { name, keyId: hexOf(blob.subarray(0, 4)), signature: blob.subarray(4) });
  }
  return { text: note.slice(0, end + 1), signatures: [...signatures.values()] };
}

/** A note as it is written. */
export function noteOf({ text, signatures }: Note): string {
  const lines = signatures.map(
    ({ name, keyId, signature }) => `— ${name} ${base64Of(joined(bytesOfHex(keyId), signature))}\n`,
  );
  return `${text}\n${lines.join("")}`;
}

const textOf = (note: string): string => note.slice(0, note.lastIndexOf("\n\n") + 1);

/** Notes of different texts, the first of each: whoever may write to storage may have copied the row of a statement. */
export const distinctNotes = (notes: readonly string[]): string[] =>
  notes.filter((note, at) => notes.findIndex((each) => textOf(each) === textOf(note)) === at);
