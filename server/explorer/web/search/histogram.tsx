/** The number of records in each step of time: exactly the records of the list, with what happened to the logs. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { get } from "../api/client";
import type { Histogram as HistogramAnswer } from "../api/types";
import { theme, zone } from "../app/preferences";
import { type Answer, Failure, Notice, useAnswer } from "../common/answer";
import { shownNumber } from "../common/counted";
import { Moment } from "../common/moment";
import { Text } from "../common/text";
import { shownDuration, textOf } from "../common/time";
import type { AskedMarks } from "./asked_marks";
import { barsOf, groupName, type OrderedBars } from "./histogram_bars";
import { MarkNotices, MarkStrip } from "./mark_strip";
import { fieldsOfSearch, GROUPS, type Search } from "./query";

interface HistogramProps {
  search: Search;
  answer: Answer<HistogramAnswer | undefined>;
  /** The field that splits it, one of those of `groupsFor`. */
  groupBy: string;
  /** Number of rows, if all of them are there. */
  rows: number | undefined;
  marks: AskedMarks | undefined;
  onGroupBy: (field: string) => void;
  onZoom: (since: string, until: string) => void;
  onOpen: (place: string) => void;
}

const BUCKETS = 80;

/** The histogram of a search, which also counts its records; nothing for a search that cannot be counted. */
export function useHistogram(search: Search, groupBy: string): Answer<HistogramAnswer | undefined> {
  return useAnswer(
    (signal) =>
      search.isAboutEvidence
        ? Promise.resolve(undefined)
        : get<HistogramAnswer>(
            "/api/v1/histogram",
            { ...fieldsOfSearch(search), buckets: BUCKETS, group_by: groupBy, groups: 7 },
            signal,
          ),
    [search, groupBy],
  );
}

export function Histogram(props: HistogramProps): JSX.Element {
  const { answer, rows, marks } = props;
  const value = answer.state === "there" ? answer.value : answer.state === "waiting" ? answer.before : undefined;
  const there = answer.state === "there" ? answer.value : undefined;
  const difference = there && !there.isPartial && rows !== undefined ? rows - Number(there.count) : 0;
  return (
    <section class="histogram" aria-label="Histogram" aria-busy={answer.state === "waiting"}>
      {answer.state === "failed" && <Failure error={answer.error} />}
      {value ? <Bucketed {...props} answer={value} /> : <div class="chart-space" />}
      <MarkNotices marks={marks} />
      {there?.isPartial && (
        <Notice kind="warning">
          There are too many records to count them all: the histogram begins only at <Moment at={there.since} />. Choose
          a shorter range, or add a term, to see the rest.
        </Notice>
      )}
      {difference !== 0 && (
        <Notice kind="warning">
          The list has {shownNumber(Math.abs(difference))} {difference > 0 ? "more" : "fewer"} records than the
          histogram counts: they were stored, or removed, between the two requests, or one of the answers is wrong.
          Search again to ask both at once.
        </Notice>
      )}
    </section>
  );
}

/** Fields that can split a histogram of a search; the server refuses those that its streams do not have. */
export function groupsFor({ streams }: Pick<Search, "streams">): string[] {
  const isOnly = (field: string) => {
    if (field === "severity") return streams.some((stream) => stream !== "spans");
    return field === "stream" || field === "service" || streams.includes("audit");
  };
  return GROUPS.filter(isOnly);
}

function Bucketed({
  search,
  answer,
  groupBy,
  marks,
  onGroupBy,
  onZoom,
  onOpen,
}: Omit<HistogramProps, "answer"> & { answer: HistogramAnswer }): JSX.Element {
  const [point, setPoint] = useState<number>();
  const [hasTable, setHasTable] = useState(false);
  const bars = useMemo(() => barsOf(answer, groupBy), [answer]);
  return (
    <>
      {bars && <MarkStrip since={bars.since} until={bars.until} marks={marks?.marks ?? []} {...{ onOpen, onZoom }} />}
      {bars ? (
        <Chart bars={bars} onPoint={setPoint} onZoom={onZoom} />
      ) : (
        <div class="chart-space quiet">no records in this range</div>
      )}
      <div class="chart-line">
        <p class="point" aria-hidden="true">
          {point === undefined ? (
            <Legend answer={answer} groupBy={groupBy} bars={bars} />
          ) : (
            <Point {...{ answer, groupBy, point }} />
          )}
        </p>
        <label>
          by{" "}
          <select value={groupBy} onChange={(event) => onGroupBy(event.currentTarget.value)}>
            {groupsFor(search).map((field) => (
              <option key={field}>{field}</option>
            ))}
          </select>
        </label>
        <button type="button" aria-expanded={hasTable} onClick={() => setHasTable(!hasTable)}>
          Table
        </button>
      </div>
      {hasTable && <BucketTable {...{ answer, groupBy, onZoom }} />}
    </>
  );
}

interface ChartProps {
  bars: OrderedBars;
  onPoint: (bucket: number | undefined) => void;
  onZoom: HistogramProps["onZoom"];
}

function Chart({ bars, onPoint, onZoom }: ChartProps): JSX.Element {
  const place = useRef<HTMLDivElement>(null);
  const events = useRef({ onPoint, onZoom });
  events.current = { onPoint, onZoom };
  useEffect(() => {
    let remove: (() => void) | undefined;
    let isGone = false;
    import("./chart").then(({ drawChart }) => {
      if (isGone || !place.current) return;
      remove = drawChart(place.current, bars, zone.value, {
        onPoint: (bucket) => events.current.onPoint(bucket),
        onSelect: (since, until) => events.current.onZoom(timeOf(since), timeOf(until)),
      });
    });
    return () => {
      isGone = true;
      remove?.();
    };
  }, [bars, zone.value, theme.value]);
  return (
    <div
      class="chart-space"
      ref={place}
      role="img"
      aria-label="Bars of the histogram; the button Table shows them as a table. Drag to zoom"
      title="drag to zoom"
    />
  );
}

const timeOf = (millis: number): string => textOf(BigInt(Math.round(millis)) * 1_000_000n);

function Legend({
  answer,
  groupBy,
  bars,
}: {
  answer: HistogramAnswer;
  groupBy: string;
  bars?: OrderedBars;
}): JSX.Element {
  const step = BigInt(answer.stepNanos);
  return (
    <>
      {bars?.groups
        .map((group, at) => (
          <span key={group.name} class="legend">
            <span class={`swatch swatch-${group.colour.slice(2)}`} />
            <Text text={group.name} most={40} /> {shownNumber(answer.groups[bars.order[at] ?? 0]?.count ?? 0)}
          </span>
        ))
        .reverse()}
      {step > 0n && <span class="quiet">each bar {shownDuration(step)}</span>}
      {!bars && groupBy}
    </>
  );
}

function Point({ answer, groupBy, point }: { answer: HistogramAnswer; groupBy: string; point: number }): JSX.Element {
  const bucket = answer.buckets[point];
  if (!bucket?.start) return <>&nbsp;</>;
  return (
    <>
      <strong>
        <Moment at={bucket.start} />
      </strong>{" "}
      {shownNumber(bucket.count)} records:{" "}
      {answer.groups.map((group, at) => {
        const count = Number(bucket.groupCounts[at] ?? 0);
        return (
          count > 0 && (
            <span key={`${group.value} ${group.isOther}`} class="legend">
              <Text text={groupName(group, groupBy)} most={40} /> {shownNumber(count)}
            </span>
          )
        );
      })}
    </>
  );
}

function BucketTable({
  answer,
  groupBy,
  onZoom,
}: Pick<HistogramProps, "groupBy" | "onZoom"> & { answer: HistogramAnswer }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: keyboards scroll it
    <section class="bucket-table" aria-label="Table of the histogram" tabIndex={0}>
      <table>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">Records</th>
            {answer.groups.map((group) => (
              <th scope="col" key={`${group.value} ${group.isOther}`}>
                <Text text={groupName(group, groupBy)} most={40} />
              </th>
            ))}
            <th scope="col">Zoom</th>
          </tr>
        </thead>
        <tbody>
          {answer.buckets.map(({ start = "", end = "", count, groupCounts }) => (
            <tr key={start}>
              <th scope="row">
                <Moment at={start} />
              </th>
              <td>{shownNumber(count)}</td>
              {groupCounts.map((each, at) => (
                <td key={answer.groups[at]?.value}>{shownNumber(each)}</td>
              ))}
              <td>
                <button type="button" class="copy" onClick={() => onZoom(start, end)}>
                  zoom in<span class="read-out"> to {start}</span>
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
