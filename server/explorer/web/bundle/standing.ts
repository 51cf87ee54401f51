/** The standing of a bundle: what is checked, by whose key, and what does not hold. */
import { checkBundle, type Report } from "../proof/bundle";
import { textIn } from "../proof/bytes";
import { parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { ED25519, type Key, parseKeys } from "../proof/keys";
import { type ReadRecord, readRecord } from "../proof/readable";
import { parseTlogProof } from "../proof/tlog_proof";
import type { Files } from "./files";
import type { GivenKeys } from "./given_keys";

/**
 * - unpinned: everything fits together, by a key that only the bundle itself names
 * - proved: the owner of a key that the reader gave signed it
 * - refuted: something does not hold; `isPinned` says whether a key of the reader was used
 */
export type Standing =
  | { readonly kind: "unpinned"; readonly report: Report }
  | { readonly kind: "proved"; readonly report: Report }
  | { readonly kind: "refuted"; readonly report: Report; readonly isPinned: boolean };

/** A step, as the page shows it. */
export interface ShownStep {
  readonly name: string;
  readonly state: "holds" | "fails" | "open" | "skipped" | "nothing";
  readonly detail: string;
}

const NOTHING = /^(?:there are none|the record has no commitments to values)/;
const SKIPPED = /^(?:no witness was given$|(?:it is|they are) not read, because )/;

/**
 * Check a bundle. Without a key of the log, it is checked with the keys that it names itself, which shows whether it is
 * damaged, and nothing about who signed it.
 */
export async function standingOf(files: Files, { keys, witnesses }: GivenKeys): Promise<Standing> {
  if (keys.length) {
    const report = await checkBundle(files, keys, witnesses);
    return report.isProved ? { kind: "proved", report } : { kind: "refuted", report, isPinned: true };
  }
  const report = await checkBundle(files, await claimedKeys(files), witnesses);
  return report.isProved ? { kind: "unpinned", report } : { kind: "refuted", report, isPinned: false };
}

/** The Ed25519 keys that a bundle names itself; none if it names them in no form that can be read. */
export async function claimedKeys(files: Files): Promise<readonly Key[]> {
  try {
    const listed = await parseKeys(textIn(files["verifier-keys.txt"] ?? new Uint8Array(), "verifier-keys.txt"));
    return listed.filter(({ type }) => type === ED25519);
  } catch (error) {
    if (error instanceof VerificationError) return [];
    throw error;
  }
}

/** The steps with their states. Without a key of the reader, a signature proves nothing yet. */
export function shownSteps(standing: Standing): ShownStep[] {
  const isOpen = standing.kind === "unpinned" || (standing.kind === "refuted" && !standing.isPinned);
  return standing.report.steps.map(({ name, ok, detail }) => {
    if (SKIPPED.test(detail)) return { name, state: "skipped", detail };
    if (!ok) return { name, state: "fails", detail };
    if (NOTHING.test(detail)) return { name, state: "nothing", detail };
    if (isOpen && (name === "signature" || name === "key changes")) {
      return { name, state: "open", detail: `${detail}; but only this file says whose key that is` };
    }
    return { name, state: "holds", detail };
  });
}

/** The record of a bundle for its reader, whatever it proves; undefined if it cannot be read. */
export async function recordIn(files: Files): Promise<ReadRecord | undefined> {
  try {
    const { origin } = parseCheckpoint(textIn(files.checkpoint ?? new Uint8Array(), "checkpoint"), "checkpoint");
    const proof = textIn(files["record.tlog-proof"] ?? new Uint8Array(), "record.tlog-proof");
    const { index } = parseTlogProof(proof, "record.tlog-proof");
    return await readRecord(files["record.bin"] ?? new Uint8Array(), origin, index);
  } catch (error) {
    if (error instanceof VerificationError) return undefined;
    throw error;
  }
}
