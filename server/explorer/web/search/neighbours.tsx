/** The records before and after one: by leaf, which no sender can reorder, by time, or with the same property. */

import type { JSX } from "preact";
import { get } from "../api/client";
import type { Neighbours as NeighboursAnswer } from "../api/types";
import { withParameters } from "../app/location";
import { zone } from "../app/preferences";
import { recordPath } from "../app/routes";
import { Failure, Notice, useAnswer } from "../common/answer";
import type { Entry } from "../common/entry";
import { ownOf } from "../common/own";
import { StateMark } from "../common/state_mark";
import { STREAM_MARKS } from "../common/streams";
import { Text } from "../common/text";
import { shownTime } from "../common/time";
import { type Place, SHARED, sharedValues } from "../trust/belongs";
import { PROOFS } from "../trust/proofs";
import { textIn } from "./columns";
import { type NeighbourRows, rowsOf } from "./neighbour_rows";

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
function waysFor(entry: Entry): string[] {
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
    async (signal) => {
      const fields = { log: logId, leaf_index: leafIndex, by: way, before: AROUND, after: AROUND, ...PROOFS };
      const [found, size] = await Promise.all([
        get<NeighboursAnswer>("/api/v1/neighbours", fields, signal),
        import("../trust/known_size").then(({ knownSize }) => knownSize(logId)),
      ]);
      return { found, ...rowsOf(found, { entry, way, around: AROUND, size }) };
    },
    [entry.key, way],
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
        <NeighbourTable {...answer.value} isByLeaf={way === "leaf"} own={entry.key} place={placeOf(entry, way)} />
      ) : (
        answer.state === "waiting" && <p role="status">Loading …</p>
      )}
    </section>
  );
}

/** The property that the rows have to have in common with the record; none by time. */
function placeOf(entry: Entry, way: string): Place | undefined {
  if (way === "leaf") return { kind: "log", id: entry.evidence?.logId ?? "" };
  const by = SHARED.find((each) => each === way);
  return by && { kind: "shared", by, id: sharedValues(entry, by)[0] ?? "" };
}

interface TableProps extends NeighbourRows {
  found: NeighboursAnswer;
  isByLeaf: boolean;
  /** The key of the record itself. */
  own: string;
  place: Place | undefined;
}

function NeighbourTable({ found, rows, moreBefore, moreAfter, isByLeaf, own, place }: TableProps): JSX.Element {
  return (
    <>
      {found.missingLeaves.length > 0 && (
        <Notice kind="warning">
          {found.missingLeaves.length === 1 ? "A leaf has" : `${found.missingLeaves.length} leaves have`} no stored
          record: expired, or removed. Verification says which.
        </Notice>
      )}
      {found.unprovedOmitted && <Notice kind="note">Records that cannot be proved are left out here.</Notice>}
      <table class="neighbour-table">
        <thead>
          <tr>
            <th scope="col">{isByLeaf ? "Leaf" : "Time"}</th>
            <th scope="col">Record</th>
          </tr>
        </thead>
        <tbody>
          {moreBefore && <More text="there are more before" />}
          {rows.map((row) =>
            "entry" in row ? (
              <NeighbourRow key={row.entry.key} {...{ entry: row.entry, isByLeaf, own, place }} />
            ) : "unshown" in row ? (
              <tr key={row.unshown[0]} class="row-missing">
                <th scope="row">{row.unshown[0] === row.unshown[1] ? row.unshown[0] : row.unshown.join(" to ")}</th>
                <td>? the server does not show what is here</td>
              </tr>
            ) : (
              <tr key={row.missing} class="row-missing">
                <th scope="row">{row.missing}</th>
                <td>✘ no record is stored for this leaf</td>
              </tr>
            ),
          )}
          {moreAfter && <More text="there are more after" />}
        </tbody>
      </table>
    </>
  );
}

const More = ({ text }: { text: string }): JSX.Element => (
  <tr class="quiet">
    <td />
    <td>… {text}</td>
  </tr>
);

type RowProps = Pick<TableProps, "isByLeaf" | "own" | "place"> & { entry: Entry };

function NeighbourRow({ entry, isByLeaf, own, place }: RowProps): JSX.Element {
  const { date, time } = shownTime(entry.nanos, zone.value);
  const { shape, word } = STREAM_MARKS[entry.stream];
  const isItself = entry.key === own;
  const shown = isByLeaf ? entry.evidence?.leafIndex : `${date} ${time}`;
  const leads = entry.evidence?.logId ? withParameters({ open: entry.key }) : undefined;
  return (
    <tr class={isItself ? "row-open" : ""} aria-current={isItself ? "true" : undefined}>
      <th scope="row" class="mono">
        {leads ? <a href={leads}>{shown}</a> : shown}
      </th>
      <td>
        <StateMark entry={entry} isShort place={place} />{" "}
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
