/** A record beside the list: all of its fields, what to do with them, and its neighbours. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { change, parameters, withParameters } from "../app/location";
import { zone } from "../app/preferences";
import { actorPath, recordPath, targetPath, tracePath } from "../app/routes";
import { hasRole } from "../app/session";
import { Failure, Notice, useAnswer } from "../common/answer";
import { Copy } from "../common/copy";
import { counted } from "../common/counted";
import { type Entry, placeInTrace } from "../common/entry";
import type { Field } from "../common/field_list";
import { Fields } from "../common/fields";
import { Reasons } from "../common/reasons";
import { StateMark } from "../common/state_mark";
import { STREAM_MARKS } from "../common/streams";
import { termOf } from "../common/terms";
import { plainOf, Text } from "../common/text";
import { shownTime, zoneName } from "../common/time";
import { firstLineOf, textIn } from "./columns";
import { Neighbours } from "./neighbours";
import { entryAt, leafOf, rivalsOf } from "./places";
import { recordAt } from "./results";

interface PanelProps {
  /** The record: a place, as in the URL. */
  open: string;
  /** The rows of the list, which have it without another call. */
  entries: readonly Entry[];
  streams: readonly string[];
  columns: readonly string[];
  onTerm: (term: string) => void;
  onColumn: (column: string) => void;
  onClose: () => void;
}

export function Panel({ open, entries, streams, ...actions }: PanelProps): JSX.Element {
  const loaded = entryAt(entries, open);
  const kept = useRef<Entry | undefined>(undefined);
  if (loaded) kept.current = loaded;
  const known = loaded ?? entryAt(kept.current ? [kept.current] : [], open);
  const leaf = leafOf(open);
  const wanted = known ? undefined : leaf;
  const answer = useAnswer(
    (signal) => (wanted ? recordAt(wanted, streams, signal) : Promise.resolve([])),
    [wanted, streams.join()],
  );
  const there = answer.state === "there" ? answer.value : [];
  const found = known ?? entryAt(there, open);
  const rivals = found ? rivalsOf(known ? entries : there, found) : there;
  const head = useRef<HTMLHeadingElement>(null);
  const isFocused = useRef(false);
  useEffect(() => {
    // On narrow screens the record covers the list, so the focus has to be in it.
    if (isFocused.current || !head.current) return;
    isFocused.current = true;
    if (matchMedia("(max-width: 60rem)").matches) head.current.focus();
  });
  return (
    <aside class="record-panel" aria-label="Record">
      <div class="panel-head">
        <h2 ref={head} tabIndex={-1}>
          Record
        </h2>
        <button type="button" onClick={actions.onClose}>
          Close <kbd class="named-key">Esc</kbd>
        </button>
      </div>
      {found ? (
        <>
          <Rivals rivals={rivals} />
          <Shown entry={found} {...actions} />
        </>
      ) : leaf === undefined ? (
        <Notice kind="note">This row is in no log, so it has no address of its own. Search for it again.</Notice>
      ) : answer.state === "failed" ? (
        <Failure error={answer.error} />
      ) : answer.state === "there" ? (
        <>
          <Notice kind="warning">
            There is no such record at {leaf}: it has expired or was removed, or you may not read it.
          </Notice>
          <Rivals rivals={rivals} />
        </>
      ) : (
        <p role="status">Loading …</p>
      )}
    </aside>
  );
}

type ShownProps = Pick<PanelProps, "columns" | "onTerm" | "onColumn"> & { entry: Entry };

function Shown({ entry, columns, onTerm, onColumn }: ShownProps): JSX.Element {
  const near = parameters.value.get("near") ?? "";
  const { date, time } = shownTime(entry.nanos, zone.value, 9);
  const { shape, word } = STREAM_MARKS[entry.stream];
  const { line, others } = firstLineOf(entry);
  const actions = (field: Field, value: string) => <FieldActions {...{ field, value, columns, onTerm, onColumn }} />;
  return (
    <>
      <p class="panel-title">
        <StateMark entry={entry} />{" "}
        <span class={`stream stream-${entry.stream}`}>
          <span aria-hidden="true">{shape}</span> {word}
        </span>{" "}
        <span class="mono">
          {date} {time}
        </span>{" "}
        <span class="quiet">{zoneName(entry.nanos, zone.value)}</span>
      </p>
      <p class="panel-message">
        <Text text={line} most={400} />
        {others > 0 && <span class="quiet"> … {counted(others, "more line")}</span>}
      </p>
      <Reasons entry={entry} />
      <PanelLinks entry={entry} />
      <nav class="panel-tabs" aria-label="Parts of the record">
        <a href={withParameters({ near: undefined })} aria-current={near === "" ? "true" : undefined}>
          Fields
        </a>
        {entry.evidence?.logId !== undefined && entry.evidence.logId !== "" && (
          <a href={withParameters({ near: near || "leaf" })} aria-current={near !== "" ? "true" : undefined}>
            Before and after
          </a>
        )}
      </nav>
      {near === "" ? <Fields entry={entry} actions={actions} /> : <Neighbours entry={entry} by={near} />}
    </>
  );
}

/** Other rows that claim the leaf: at most one of all can be what was signed. */
function Rivals({ rivals }: { rivals: readonly Entry[] }): JSX.Element | null {
  if (!rivals.length) return null;
  return (
    <Notice kind="warning">
      {rivals.length === 1 ? "Another row claims" : `${rivals.length} other rows claim`} this leaf:{" "}
      {rivals.slice(0, 10).map((rival, at) => (
        <span key={rival.key}>
          {at > 0 && "; "}
          <a href={withParameters({ open: rival.key })}>
            <Text text={textIn(rival, "message")} most={80} />
          </a>
        </span>
      ))}
    </Notice>
  );
}

function PanelLinks({ entry }: { entry: Entry }): JSX.Element {
  const { evidence, traceId } = entry;
  const audit = entry.stream === "spans" ? undefined : entry.record.audit;
  const address = evidence?.logId ? recordPath(evidence.logId, evidence.leafIndex) : "";
  return (
    <p class="panel-links">
      {address && (
        <>
          <a href={address}>Record and proof</a> <Copy text={location.origin + address} label="copy address" />
        </>
      )}
      {traceId && <a href={tracePath(traceId, placeInTrace(entry))}>Trace</a>}
      {audit?.actorId && hasRole("auditor") && <a href={actorPath(audit.actorId)}>Actor</a>}
      {audit?.targetId && hasRole("auditor") && <a href={targetPath(audit.targetId)}>Target</a>}
    </p>
  );
}

// A record's time, hash and the like are its own: nobody filters by them, or wants them as they are in a column.
const OWN = /^(timestamp|ObservedTimestamp|received|OtlpDetails|body)$/;

function FieldActions({
  field,
  value,
  columns,
  onTerm,
  onColumn,
}: Omit<ShownProps, "entry"> & { field: Field; value: string }): JSX.Element {
  const short = value.length <= 1000;
  const term = termOf(field.name, value);
  const name = plainOf(field.name, 80);
  const isColumn = columns.includes(field.name);
  return (
    <span class="field-buttons">
      {field.isSearchable && short && !OWN.test(field.name) && (
        <>
          <button type="button" title={`only ${name}`} onClick={() => onTerm(term)}>
            <span aria-hidden="true">+</span>
            <span class="read-out">only records with this {name}</span>
          </button>
          <button type="button" title={`without this ${name}`} onClick={() => onTerm(`-${term}`)}>
            <span aria-hidden="true">−</span>
            <span class="read-out">no records with this {name}</span>
          </button>
        </>
      )}
      {field.isSearchable && (
        <button type="button" aria-pressed={isColumn} title="column of the list" onClick={() => onColumn(field.name)}>
          <span aria-hidden="true">▥</span>
          <span class="read-out">{name} as a column</span>
        </button>
      )}
      <Copy text={value} />
    </span>
  );
}

/** Close the record, and what belongs to it. */
export const closePanel = (): void => change({ open: undefined, near: undefined });
