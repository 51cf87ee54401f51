/** Nobody of an ID: what it may be instead. */
import type { JSX } from "preact";
import { get } from "../api/client";
import type { Facets } from "../api/types";
import { withParameters } from "../app/location";
import { searchPath } from "../app/routes";
import { useAnswer } from "../common/answer";
import { isMark } from "../common/redactions";
import { quoted, termOf } from "../common/terms";
import { Text } from "../common/text";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { isNarrowed, type Kind, type Subject, type View } from "./view";
import { SubjectLink } from "./words";

const MOST = 8;

/** No event of a subject matches: the reasons that there may be, each with a way on. */
export function Nobody({
  subject,
  view,
  ofThisName,
}: {
  subject: Subject;
  view: View;
  ofThisName: readonly string[];
}): JSX.Element {
  const { kind, id } = subject;
  const other: Kind = kind === "actor" ? "target" : "actor";
  const alike = useAlike(kind, id);
  const others = useAlike(other, id, true);
  const marks = useMarks(kind);
  return (
    <section class="panel nobody">
      <p>
        <strong>
          No event of the {kind} <Text text={id} most={200} /> matches.
        </strong>
      </p>
      <ul>
        {isNarrowed(view) && (
          <li>
            The query or the range of time leaves events out:{" "}
            <a href={withParameters({ q: undefined, since: undefined, until: undefined })}>show all its events</a>.
          </li>
        )}
        {ofThisName.length > 0 && (
          <li>
            Actors have this as their name, which is not an ID: <Links kind="actor" ids={ofThisName} />
          </li>
        )}
        {alike.length > 0 && (
          <li>
            {kind === "actor" ? "Actors" : "Targets"} with similar IDs: <Links kind={kind} ids={alike} />
          </li>
        )}
        {others.length > 0 && (
          <li>
            There is a {other} of this ID: <Links kind={other} ids={others} />
          </li>
        )}
        {marks.length > 0 && (
          <li>
            Redaction has replaced {kind}s of other records by marks, such as <Text text={marks[0] ?? ""} most={100} />:{" "}
            <a href={searchPath(termOf(kind, marks[0] ?? ""))}>the records with this mark</a>. The same{" "}
            <code>hmac</code> mark always stands for the same {kind}.
          </li>
        )}
        <li>
          IDs are compared exactly, capitals and spaces too. <a href={searchPath(quoted(id))}>Search for the words</a>.
        </li>
      </ul>
    </section>
  );
}

function Links({ kind, ids }: { kind: Kind; ids: readonly string[] }): JSX.Element {
  return (
    <>
      {ids.map((id, index) => (
        <span key={id}>
          {index > 0 && ", "}
          <SubjectLink kind={kind} id={id} />
        </span>
      ))}
    </>
  );
}

/** IDs that begin as one does, or with its first characters if there are none; or just this ID. */
function useAlike(kind: Kind, id: string, isExact = false): string[] {
  const answer = useAnswer(
    async (signal) => {
      const prefixes = isExact ? [id] : [id, id.slice(0, 3)];
      for (const prefix of prefixes) {
        const values = (await valuesOf(kind, prefix, signal)).filter((value) => (value === id) === isExact);
        if (values.length) return values;
      }
      return [];
    },
    [kind, id, isExact],
  );
  return answer.state === "there" ? answer.value : [];
}

function useMarks(kind: Kind): string[] {
  const answer = useAnswer(async (signal) => (await valuesOf(kind, "[", signal)).filter(isMark), [kind]);
  return answer.state === "there" ? answer.value : [];
}

async function valuesOf(kind: Kind, prefix: string, signal: AbortSignal): Promise<string[]> {
  const fields = { query: WITHOUT_WHO_LOOKED, streams: "audit", fields: kind, limit: MOST, prefix };
  const { facets } = await get<Facets>("/api/v1/facets", fields, signal);
  return facets.flatMap(({ values }) => values.map(({ value }) => value));
}
