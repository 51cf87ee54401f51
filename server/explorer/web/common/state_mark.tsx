/**
 * The state of an entry's evidence, in text and shape: what this browser found, and before that what the server says.
 */
import type { JSX } from "preact";
import { type Place, verdictAt } from "../trust/belongs";
import { verdictOf } from "../trust/entries";
import type { Verdict } from "../trust/verdict";
import { type Entry, mayBeUnsigned } from "./entry";
import { plainOf } from "./text";

/** A mark: its kind, its word, and the sentence behind it. */
export interface Mark {
  /** Class of the mark, which decides shape and colour. */
  kind: "checked" | "uncompared" | "unpinned" | "said" | "signed" | "unsigned" | "expected" | "tampered";
  word: string;
  detail: string;
}

const unchecked = (verdict: Verdict): string =>
  verdict.kind === "unproved" ? verdict.reason : "not checked in this browser";

/** The mark of an entry with a verdict; a pure function of both. */
export function markOf(entry: Pick<Entry, "evidence" | "stream">, verdict: Verdict): Mark {
  const { evidence } = entry;
  if (verdict.kind === "refuted") return { kind: "tampered", word: verdict.finding, detail: verdict.message };
  if (!evidence)
    return mayBeUnsigned(entry)
      ? { kind: "expected", word: "in no log", detail: "a Collector wrote this span to storage itself" }
      : { kind: "unsigned", word: "no evidence", detail: "the server sent no evidence of this record" };
  switch (evidence.state) {
    case "TAMPERED":
      return { kind: "tampered", word: "tampered", detail: evidence.reason };
    case "UNSIGNED":
      return mayBeUnsigned(entry)
        ? { kind: "expected", word: "not signed", detail: evidence.reason }
        : { kind: "unsigned", word: "unsigned", detail: evidence.reason };
    default:
  }
  switch (verdict.kind) {
    case "checked":
      return {
        kind: "checked",
        word: "checked",
        detail: `checked in this browser against the pinned key ${verdict.key}`,
      };
    case "uncompared":
      return {
        kind: "uncompared",
        word: "signed, history not compared",
        detail: `signed with the pinned key ${verdict.key}, but ${verdict.reason}`,
      };
    case "unpinned":
      return {
        kind: "unpinned",
        word: "key not pinned",
        detail: "its signature is valid, but only the server says whose key it is",
      };
    default:
      return evidence.state === "VERIFIED"
        ? { kind: "said", word: "server: verified", detail: `the server says so; ${unchecked(verdict)}` }
        : evidence.state === "SIGNED"
          ? {
              kind: "signed",
              word: "signed",
              detail: "the server says that its batch is signed; nobody hashed the record again",
            }
          : { kind: "unsigned", word: "no evidence", detail: "the server does not say whether the record is signed" };
  }
}

/** The shape of each kind of mark. */
export const SHAPES: Record<Mark["kind"], string> = {
  checked: "✔",
  uncompared: "≟",
  unpinned: "◐",
  said: "○",
  signed: "✎",
  unsigned: "▢",
  expected: "·",
  tampered: "✘",
};

interface StateMarkProps {
  entry: Entry;
  /** With it, words that need no attention are only read out. */
  isShort?: boolean;
  /** The common property of the records of the page. */
  place?: Place;
}

/** The mark of an entry. */
export function StateMark({ entry, isShort = false, place }: StateMarkProps): JSX.Element {
  const mark = markOf(entry, verdictAt(entry, place, verdictOf(entry).value));
  const isCalm = isShort && mark.kind !== "tampered" && mark.kind !== "unsigned";
  return (
    // An isolated frame of its own: text of senders beside it can neither turn it around nor look like it.
    <bdi
      dir="ltr"
      class={`state state-${mark.kind}${isCalm ? " state-short" : ""}`}
      title={plainOf(mark.detail || mark.word)}
    >
      <span aria-hidden="true">{SHAPES[mark.kind]}</span> <span class={isCalm ? "read-out" : ""}>{mark.word}</span>
    </bdi>
  );
}
