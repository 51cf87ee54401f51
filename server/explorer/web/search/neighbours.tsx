/** The records before and after one: by leaf, which no sender can reorder, by time, or with the same property. */

import type { JSX } from "preact";
import { get } from "../api/client";
import type { Neighbours as NeighboursAnswer } from "../api/types";
import { withParameters } from "../app/location";
import { zone } from "../app/preferences";
import { recordPath } from "../app/routes";
import { Failure, Notice, useAnswer } from "../common/answer";
import { type Entry, entryOf } from "../common/entry";
import { ownOf } from "../common/own";
import { StateMark } from "../common/state_mark";
import { STREAM_MARKS } from "../common/streams";
import { Text } from "../common/text";
import { shownTime } from "../common/time";
import { PROOFS } from "../trust/proofs";
import { textIn } from "./columns";
import { type LeafRow, leafRows } from "./leaf_rows";
import { distinct } from "./places";

const AROUND = 15;
const NAMES: Readonly<Record<string, string>> = {
  leaf: "order of receipt",
  time: "time",
  actor: "same actor",
  session: "same session",
  source: "same source",
  target: "same target",
  host: "same host",
  service: "same service",
};

/** Properties by which a record can have neighbours. */
export function waysFor(entry: Entry): string[] {
  const audit = entry.stream === "spans" ? undefined : entry.record.audit;
  return [
    "leaf",
    "time",
    ...(audit?.actorId ? ["actor"] : []),
    ...(audit?.sessionId ? ["session"] : []),
    ...(audit?.sourceId ? ["source"] : []),
    ...(audit?.targetId ? ["target"] : []),
    ...(audit?.sourceHost ? ["host"] : []),
    ...(entry.service ? ["service"] : []),
  ];
}

export function Neighbours({ entry, by }: { entry: Entry; by: string }): JSX.Element {
  const ways = waysFor(entry);
  const way = ways.includes(by) ? by : "leaf";
  const { logId = "", leafIndex = "" } = entry.evidence ?? {};
  const answer = useAnswer(
    (signal) =>
      get<NeighboursAnswer>(
        "/api/v1/neighbours",
        { log: logId, leaf_index: leafIndex, by: way, before: AROUND, after: AROUND, ...PROOFS },
        signal,
      ),
    [logId, leafIndex, way],
  );
  return (
    <section class="neighbours" aria-label="Before and after" aria-busy={answer.state === "waiting"}>
      <nav class="ways" aria-label="Neighbours by">
        {ways.map((each) => (
          <a key={each} href={withParameters({ near: each })} aria-current={each === way ? "true" : undefined}>
            {ownOf(NAMES, each)}
          </a>
        ))}
      </nav>
      <p class="quiet">
        {way === "leaf"
          ? "What its log received just before and after. This order is signed: no sender can choose it."
          : way === "time"
            ? "Records of all streams, by the times that their senders gave them."
            : "Records of all streams that share it, by the times that their senders gave them."}
      </p>
      {answer.state === "failed" && <Failure error={answer.error} />}
      {answer.state === "there" ? (
        <NeighbourTable answer={answer.value} place={entry.key} />
      ) : (
        answer.state === "waiting" && <p role="status">Loading …</p>
      )}
    </section>
  );
}

function NeighbourTable({ answer, place }: { answer: NeighboursAnswer; place: string }): JSX.Element {
  const isByLeaf = answer.by === "leaf";
  const messages = [...answer.before, ...(answer.record ? [answer.record] : []), ...answer.after];
  const entries = distinct([], messages.map(entryOf));
  const rows = isByLeaf ? leafRows(entries, answer.missingLeaves) : entries.map((entry): LeafRow => ({ entry }));
  return (
    <>
      {answer.missingLeaves.length > 0 && (
        <Notice kind="warning">
          {answer.missingLeaves.length === 1 ? "A leaf has" : `${answer.missingLeaves.length} leaves have`} no stored
          record: expired, or removed. Verification says which.
        </Notice>
      )}
      {answer.unprovedOmitted && <Notice kind="note">Records that cannot be proved are left out here.</Notice>}
      <table class="neighbour-table">
        <thead>
          <tr>
            <th scope="col">{isByLeaf ? "Leaf" : "Time"}</th>
            <th scope="col">Record</th>
          </tr>
        </thead>
        <tbody>
          {answer.moreBefore && <More text="there are more before" />}
          {rows.map((row) =>
            "entry" in row ? (
              <NeighbourRow key={row.entry.key} {...{ entry: row.entry, isByLeaf, place }} />
            ) : "unshown" in row ? (
              <tr key={row.unshown[0]} class="row-missing">
                <th scope="row">{row.unshown[0] === row.unshown[1] ? row.unshown[0] : row.unshown.join(" to ")}</th>
                <td>▢ the server does not show what is here</td>
              </tr>
            ) : (
              <tr key={row.missing} class="row-missing">
                <th scope="row">{row.missing}</th>
                <td>✘ no record is stored for this leaf</td>
              </tr>
            ),
          )}
          {answer.moreAfter && <More text="there are more after" />}
        </tbody>
      </table>
    </>
  );
}

/** The ID of the log in a place, which is before its leaf. */
const logIdIn = (place: string): string => place.split("#")[0] ?? "";

const More = ({ text }: { text: string }): JSX.Element => (
  <tr class="quiet">
    <td />
    <td>… {text}</td>
  </tr>
);

function NeighbourRow({ entry, isByLeaf, place }: { entry: Entry; isByLeaf: boolean; place: string }): JSX.Element {
  const { date, time } = shownTime(entry.nanos, zone.value);
  const { shape, word } = STREAM_MARKS[entry.stream];
  const isItself = entry.key === place;
  const shown = isByLeaf ? entry.evidence?.leafIndex : `${date} ${time}`;
  const leads = entry.evidence?.logId ? withParameters({ open: entry.key }) : undefined;
  return (
    <tr class={isItself ? "row-open" : ""} aria-current={isItself ? "true" : undefined}>
      <th scope="row" class="mono">
        {leads ? <a href={leads}>{shown}</a> : shown}
      </th>
      <td>
        <StateMark entry={entry} isShort place={isByLeaf ? { kind: "log", id: logIdIn(place) } : undefined} />{" "}
        <span class={`stream stream-${entry.stream}`}>
          <span aria-hidden="true">{shape}</span> {word}
        </span>{" "}
        <span class="quiet">
          {isByLeaf && `${time} `}
          <Text text={entry.service} most={60} />
        </span>{" "}
        <Text text={textIn(entry, "message")} most={300} />
        {isItself && entry.evidence && (
          <>
            {" "}
            <a href={recordPath(entry.evidence.logId, entry.evidence.leafIndex)}>this record</a>
          </>
        )}
      </td>
    </tr>
  );
}
