/** A trace of the list. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import type { TraceSummary } from "../api/types";
import { zone } from "../app/preferences";
import { actorPath, tracePath } from "../app/routes";
import { counted, shownNumber } from "../common/counted";
import { entryOf, titleOf } from "../common/entry";
import { StateMark } from "../common/state_mark";
import { Text } from "../common/text";
import { nanosOf, shownTime } from "../common/time";
import { durationText } from "./notes";

const FEW = 8; // names in a cell

/** A row, whose bar has the length of the trace's duration beside the longest of the list. */
export function ListRow({ trace, longest }: { trace: TraceSummary; longest: number }): JSX.Element {
  const { traceId, first, durationNanos, services, actors, errorCount, match, implausibleTimeCount } = trace;
  const entry = useMemo(() => (match ? entryOf(match) : undefined), [match]);
  const began = first ? shownTime(nanosOf(first), zone.value) : undefined;
  const implausible = Number(implausibleTimeCount);
  return (
    <tr>
      <th scope="row">
        <a href={tracePath(traceId)}>
          {entry ? <Text text={titleOf(entry) || traceId} most={160} /> : traceId}
          <span class="read-out"> in trace {traceId}</span>
        </a>
        <span class="list-match">
          {entry && <StateMark entry={entry} place={{ kind: "trace", id: traceId }} />}{" "}
          <code>{traceId.slice(0, 8)}</code>{" "}
          {entry && (
            <>
              <Text text={entry.service} most={40} /> · {STREAM_NAMES[entry.stream]}
            </>
          )}
        </span>
      </th>
      <td class="list-time">
        {began && (
          <>
            {began.date} <br />
            {began.time}
          </>
        )}
      </td>
      <td class="list-took">
        {durationText(Number(durationNanos))}
        {implausible > 0 && <span title={`without ${implausible} dated before 2000 or in the future`}> ⚠</span>}
        <span class="list-bar" aria-hidden="true">
          <span style={{ width: `${(100 * Number(durationNanos)) / longest}%` }} />
        </span>
      </td>
      <td>
        <ul class="trace-counts">
          <li class={Number(trace.auditEventCount) ? "has-audits" : undefined}>
            {counted(Number(trace.auditEventCount), "audit event")}
          </li>
          <li>{counted(Number(trace.logCount), "log")}</li>
          <li>{counted(Number(trace.spanCount), "span")}</li>
        </ul>
      </td>
      <td class={Number(errorCount) ? "trace-failed" : "quiet"}>
        {Number(errorCount) ? `✘ ${shownNumber(errorCount)}` : "none"}
      </td>
      <td>
        <Names names={services} />
      </td>
      <td>
        <Names names={actors} path={actorPath} />
      </td>
    </tr>
  );
}

const STREAM_NAMES = { audit: "audit event", operational: "log", spans: "span" };

function Names({ names, path }: { names: readonly string[]; path?: (name: string) => string }): JSX.Element {
  return (
    <ul class="trace-names">
      {names.slice(0, FEW).map((name) => (
        <li key={name}>
          {path ? (
            <a href={path(name)}>
              <Text text={name} most={60} />
            </a>
          ) : (
            <Text text={name} most={60} />
          )}
        </li>
      ))}
      {names.length > FEW && <li class="quiet">and {names.length - FEW} more</li>}
    </ul>
  );
}
