/** All of the selected entry, and where it leads. */
import type { JSX } from "preact";
import { zone } from "../app/preferences";
import { actorPath, recordPath, searchPath, targetPath, tracePath } from "../app/routes";
import { Notice } from "../common/answer";
import { type Entry, isError, mayBeUnsigned, titleOf } from "../common/entry";
import { Fields } from "../common/fields";
import { StateMark } from "../common/state_mark";
import { termOf } from "../common/terms";
import { Text } from "../common/text";
import { shownTime, zoneName } from "../common/time";
import { type Place, verdictAt } from "../trust/belongs";
import { verdictOf } from "../trust/entries";
import type { Row } from "./layout";
import { durationText, offsetText, sentencesOf } from "./notes";
import { kindText } from "./row";
import type { TraceView } from "./view";

/** The panel beside the waterfall. Esc closes it. */
export function Panel({ view, isReading }: { view: TraceView; isReading: boolean }): JSX.Element {
  const { layout, cursor, selection } = view;
  const row = layout.rows[cursor];
  return (
    <aside class="trace-panel panel" aria-label="Selected entry">
      <div class="panel-top">
        <h2>{row ? <Title row={row} /> : "Selected entry"}</h2>
        <button type="button" onClick={selection.close}>
          close <kbd>Esc</kbd>
        </button>
      </div>
      {row ? (
        <Content row={row} view={view} />
      ) : (
        <p role="status">
          {isReading ? "This entry was not read yet." : "This trace does not have the entry that the address names."}
        </p>
      )}
    </aside>
  );
}

function Title({ row: { entry, spanId } }: { row: Row }): JSX.Element {
  return entry ? (
    <Text text={titleOf(entry)} most={200} />
  ) : (
    <>
      Missing span <Text text={spanId} most={40} />
    </>
  );
}

function Content({ row, view }: { row: Row; view: TraceView }): JSX.Element {
  const { layout } = view;
  const { entry, kind, begin, end, own } = row;
  if (!entry) {
    return (
      <p>
        {row.places === 0 ? "" : "Other spans name this span as their parent. "}It was not sent, or not received. What
        is under it took place from {offsetText(begin)} to {offsetText(end)}.
      </p>
    );
  }
  const shown = shownTime(entry.nanos, zone.value, 9);
  return (
    <>
      <p class="panel-line">
        <strong class={isError(entry) ? "trace-failed" : undefined}>
          <Text text={kindText(row)} most={30} />
        </strong>
        <Text text={entry.service} most={100} />
        <StateMark entry={entry} place={view.place} />
      </p>
      <p class="panel-line">
        <span>
          {offsetText(begin)}{" "}
          <span class="quiet">({`${shown.date} ${shown.time} ${zoneName(entry.nanos, zone.value)}`})</span>
        </span>
        {kind === "span" && (
          <span>
            took {durationText(end - begin)}
            {row.hasChildSpans && `, ${durationText(own)} of it itself`}
          </span>
        )}
      </p>
      {entry.evidence?.reason && (
        <Notice kind={mayBeUnsigned(entry) ? "note" : "error"}>{entry.evidence.reason}</Notice>
      )}
      <Refutation entry={entry} place={view.place} />
      {sentencesOf(row, layout).map((text) => (
        <Notice key={text} kind="warning">
          {text}
        </Notice>
      ))}
      <Links row={row} entry={entry} view={view} />
      <Fields entry={entry} />
    </>
  );
}

/** What this browser found wrong. */
function Refutation({ entry, place }: { entry: Entry; place: Place }): JSX.Element | null {
  const verdict = verdictAt(entry, place, verdictOf(entry).value);
  if (verdict.kind !== "refuted") return null;
  return (
    <Notice kind="error">
      <Text text={`${verdict.finding}: ${verdict.message}`} />
    </Notice>
  );
}

function Links({ row, entry, view }: { row: Row; entry: Entry; view: TraceView }): JSX.Element {
  const audit = entry.stream === "audit" ? entry.record.audit : undefined;
  const { evidence } = entry;
  return (
    <nav class="panel-links" aria-label="From this entry">
      {evidence?.logId && <a href={recordPath(evidence.logId, evidence.leafIndex)}>record and proof</a>}
      {audit?.actorId && (
        <a href={actorPath(audit.actorId)}>
          actor <Text text={audit.actorId} most={60} />
        </a>
      )}
      {audit?.effectiveActorId && (
        <a href={actorPath(audit.effectiveActorId)}>
          on behalf of <Text text={audit.effectiveActorId} most={60} />
        </a>
      )}
      {audit?.targetId && (
        <a href={targetPath(audit.targetId)}>
          target <Text text={[audit.targetType, audit.targetId].filter(Boolean).join(" ")} most={60} />
        </a>
      )}
      {audit?.sessionId && (
        <a href={searchPath(termOf("session", audit.sessionId))}>
          session <Text text={audit.sessionId} most={30} />
        </a>
      )}
      {entry.stream === "spans" &&
        entry.span.links
          .filter(({ traceId }) => traceId && traceId !== entry.traceId)
          .slice(0, 10)
          .map(({ traceId, spanId }, at) => (
            <a key={at} href={tracePath(traceId)}>
              linked trace <Text text={traceId.slice(0, 8)} /> {spanId && <Text text={`span ${spanId}`} most={30} />}
            </a>
          ))}
      {row.parent >= 0 && (
        <button type="button" onClick={() => view.show(row.parent)}>
          {row.notes.some((note) => note === "no span" || note === "unknown span") ? "span at its time" : "parent span"}
        </button>
      )}
      {row.isPlausible && (
        <button type="button" onClick={() => view.zoomTo(around(row))}>
          zoom to it
        </button>
      )}
    </nav>
  );
}

/** A time around a row, a tenth longer on both sides; of an entry without a duration, 10 ms. */
function around({ begin, end }: Row): { from: number; to: number } {
  const margin = end > begin ? (end - begin) / 10 : 5e6;
  return { from: Math.floor(begin - margin), to: Math.ceil(end + margin) };
}
