/** Rows of the list: an event in two lines, and the heading of a session. */
import type { JSX } from "preact";
import { recordPath, tracePath } from "../app/routes";
import { counted } from "../common/counted";
import { type Entry, isError, placeInTrace } from "../common/entry";
import { Moment } from "../common/moment";
import { StateMark } from "../common/state_mark";
import { beginningOf, plainOf, Text } from "../common/text";
import { whyMisplaced } from "../trust/belongs";
import { type FirstMark, wordsOf } from "./first_marks";
import { Filter } from "./overview";
import type { Row } from "./rows";
import type { Subject } from "./view";
import { Outcome, SubjectLink } from "./words";

/** Heights of each row, in pixels, on wide and on narrow screens; subject.css has the same. */
export const ROW_HEIGHT = { wide: 52, narrow: 76 };

interface EventProps {
  subject: Subject;
  entry: Entry;
  marks: readonly FirstMark[];
  /** True if a heading names the session already. */
  isGrouped: boolean;
  /** Number of the row in the whole list, from 1, with the head. */
  number: number;
}

/** Path of an event's record; undefined if it is in no log. */
export function recordPathOf(entry: Entry): string | undefined {
  return entry.evidence?.logId ? recordPath(entry.evidence.logId, entry.evidence.leafIndex) : undefined;
}

/** An event: when, what, where it came from, and its evidence. */
export function EventRow({ subject, entry, marks, isGrouped, number }: EventProps): JSX.Element {
  const failed = isError(entry);
  const path = recordPathOf(entry);
  const misplaced = whyMisplaced(entry, subject);
  return (
    <tr class={failed ? "event event-failed" : "event"} aria-rowindex={number} data-row={number} tabIndex={-1}>
      <td class="when">
        <Moment at={entry.nanos} digits={3} />
      </td>
      <td class="outcome-cell">
        <Outcome of={entry.stream === "spans" ? "unknown" : (entry.record.audit?.outcome ?? "unknown")} />
      </td>
      <td class="what">
        <div class="line sentence">
          <Sentence subject={misplaced === undefined ? subject : undefined} entry={entry} />
        </div>
        <div class="line quiet">
          {misplaced !== undefined && (
            <strong class="misplaced">
              <Text text={misplaced} most={300} />
            </strong>
          )}
          {marks.length > 0 && misplaced === undefined && <FirstTime marks={marks} />}
          <Around entry={entry} showsSession={!isGrouped} />
        </div>
      </td>
      <td class="proof">
        <div class="line">
          <StateMark entry={entry} place={subject} />
        </div>
        <div class="line">
          {path && (
            <a href={path} title={plainOf(`${entry.evidence?.origin}#${entry.evidence?.leafIndex}`)}>
              <span class="word">record </span>
              {entry.evidence?.leafIndex}
            </a>
          )}
        </div>
      </td>
    </tr>
  );
}

function FirstTime({ marks }: { marks: readonly FirstMark[] }): JSX.Element {
  return (
    <span class="first">
      <span aria-hidden="true">★ </span>
      <Text text={wordsOf(marks)} most={300} />
    </span>
  );
}

/** The event in a sentence: without the subject of the page, if the event is of it. */
function Sentence({ subject, entry }: { subject: Subject | undefined; entry: Entry }): JSX.Element | null {
  if (entry.stream === "spans") return null;
  const { audit, body, eventName } = entry.record;
  if (!audit) return <Text text={body || eventName} most={300} />;
  const { actorId, effectiveActorId, action, targetId, targetType } = audit;
  const isActor = subject?.kind === "actor";
  const isOther = isActor && actorId !== subject.id;
  const isTarget = subject?.kind === "target";
  return (
    <>
      {(!isActor || isOther) &&
        (actorId ? <SubjectLink kind="actor" id={actorId} /> : <span class="quiet">(no actor)</span>)}{" "}
      {isOther && (
        <strong class="acted-for" title="somebody else acted on this actor's behalf, or with this actor's rights">
          as this actor{" "}
        </strong>
      )}
      {effectiveActorId && !isOther && (
        <>
          <strong class="acted-for">as</strong> <SubjectLink kind="actor" id={effectiveActorId} />{" "}
        </>
      )}
      <b>
        <Text text={action || eventName || "(no action)"} most={200} />
      </b>{" "}
      {(targetId || targetType) && !isTarget && (
        <>
          on <Text text={targetType} most={80} /> {targetId && <SubjectLink kind="target" id={targetId} />}
        </>
      )}
      {isTarget && targetType && (
        <span class="quiet">
          (<Text text={targetType} most={80} />)
        </span>
      )}
      {body && !(actorId && action) && (
        <>
          : <q>{<Text text={body} most={300} />}</q>
        </>
      )}
    </>
  );
}

function Around({ entry, showsSession }: { entry: Entry; showsSession: boolean }): JSX.Element | null {
  if (entry.stream === "spans") return null;
  const { audit, serviceName, traceId, otlpDetails } = entry.record;
  return (
    <>
      {traceId && (
        <a class="trace-link" href={tracePath(traceId, placeInTrace(entry))} title={plainOf(traceId)}>
          trace <Text text={beginningOf(traceId, 8)} />
        </a>
      )}
      {audit?.sourceId && (
        <span>
          from <Text text={audit.sourceId} most={80} />
        </span>
      )}
      {serviceName && (
        <span>
          service <Text text={serviceName} most={80} />
        </span>
      )}
      {audit?.category && (
        <span>
          <Text text={audit.category} most={80} />
        </span>
      )}
      {showsSession && audit?.sessionId && (
        <span>
          session <Text text={audit.sessionId} most={80} />
        </span>
      )}
      {otlpDetails.includes('"time":"unset"') && <span>sent without a time</span>}
    </>
  );
}

/** The heading of a run of events of one session. */
export function SessionRow({
  row,
  query,
  number,
}: {
  row: Extract<Row, { kind: "session" }>;
  query: string;
  number: number;
}): JSX.Element {
  const { session, summary } = row;
  return (
    <tr class="session-row" aria-rowindex={number}>
      <th colSpan={4} scope="colgroup">
        <div class="line">
          {session ? (
            <>
              session{" "}
              <Filter field="session" value={session} query={query}>
                <Text text={session} most={120} />
              </Filter>
            </>
          ) : (
            "in no session"
          )}
        </div>
        <div class="line quiet">
          {summary && (
            <>
              {counted(summary.count, "event")}, <Moment at={summary.firstSeen} /> to <Moment at={summary.lastSeen} />
            </>
          )}
        </div>
      </th>
    </tr>
  );
}
