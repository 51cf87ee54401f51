/** Sentences on what is wrong with an entry: what the server says, and what this browser found. */
import type { JSX } from "preact";
import { type Place, verdictAt } from "../trust/belongs";
import { verdictOf } from "../trust/entries";
import { Notice } from "./answer";
import { type Entry, mayBeUnsigned } from "./entry";
import { Text } from "./text";

interface Props {
  entry: Entry;
  /** The thing that the records of the page have in common. */
  place?: Place;
}

export function Reasons({ entry, place }: Props): JSX.Element {
  const verdict = verdictAt(entry, place, verdictOf(entry).value);
  const reason = entry.evidence?.reason ?? "";
  return (
    <>
      {reason && (
        <Notice kind={mayBeUnsigned(entry) ? "note" : "error"}>
          The server says: <Text text={reason} most={1000} />
        </Notice>
      )}
      {verdict.kind === "refuted" && (
        <Notice kind="error">
          This browser found {verdict.finding}: <Text text={verdict.message} most={1000} />
        </Notice>
      )}
    </>
  );
}
