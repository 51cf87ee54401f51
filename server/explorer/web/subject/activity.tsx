/**
 * Activity over time, by outcome: bars, and the same as a table.
 *
 * The bars are links, and not a chart of uPlot as on the search page: at most 60 of them, without zoom or cursor, each
 * hatched or dotted by its outcome, which a canvas would have to draw again for each theme. So the pages of actors and
 * targets need not load a chart (22 kB compressed).
 */
import type { JSX } from "preact";
import { get } from "../api/client";
import type { Histogram } from "../api/types";
import { withParameters } from "../app/location";
import { timeOf } from "../common/age";
import { Failure, useAnswer } from "../common/answer";
import { counted, shownNumber } from "../common/counted";
import { Moment } from "../common/moment";
import { nanosOf, shownDuration } from "../common/time";
import { type OutcomeColumn, outcomeColumns } from "./columns";
import { type Subject, type View, wholeQuery } from "./view";
import { Outcome } from "./words";

/** Bars of the events in a view; a bar, or a row of the table, narrows the range to its time. */
export function Activity({ subject, view, now }: { subject: Subject; view: View; now: bigint }): JSX.Element | null {
  const query = wholeQuery(subject, view);
  const answer = useAnswer(
    (signal) => {
      const range = { since: timeOf(view.since, now), until: timeOf(view.until, now) };
      const fields = { query, streams: "audit", group_by: "outcome", buckets: 60, ...range };
      return get<Histogram>("/api/v1/histogram", fields, signal);
    },
    [query, view.since, view.until, now],
  );
  if (answer.state === "failed") return <Failure error={answer.error} />;
  const histogram = answer.state === "there" ? answer.value : answer.before;
  if (!histogram) return <div class="activity" aria-busy="true" />;
  if (histogram.buckets.length < 2) return null; // one bar says no more than the number of events
  return <Chart histogram={histogram} />;
}

function Chart({ histogram }: { histogram: Histogram }): JSX.Element {
  const { columns, most } = outcomeColumns(histogram);
  const filled = columns.filter(({ count }) => count > 0);
  return (
    <section class="activity" aria-label="Activity over time">
      <p class="legend">
        <span class="quiet">
          events in each {shownDuration(BigInt(histogram.stepNanos))}, at most {shownNumber(most)}:
        </span>{" "}
        <Outcome of="success" /> <Outcome of="failure" /> <Outcome of="unknown" />
        {histogram.isPartial && <strong> — only the latest part, since a limit was reached</strong>}
      </p>
      <div class="chart" aria-hidden="true">
        {columns.map((column) => (
          <a
            key={column.since}
            tabIndex={-1}
            href={withParameters({ since: column.since, until: column.until })}
            title={`${counted(column.count, "event")}, ${counted(column.failure, "failure")}`}
          >
            {(["failure", "unknown", "success"] as const).map(
              (outcome) =>
                column[outcome] > 0 && (
                  <span
                    key={outcome}
                    class={`outcome-bar bar-${outcome}`}
                    style={{ height: `${(column[outcome] / most) * 100}%` }}
                  />
                ),
            )}
          </a>
        ))}
      </div>
      <p class="axis quiet">
        <Moment at={histogram.since} />
        <Moment at={histogram.until} />
      </p>
      <details>
        <summary>The bars as a table</summary>
        <BarTable columns={filled} />
      </details>
    </section>
  );
}

function BarTable({ columns }: { columns: readonly OutcomeColumn[] }): JSX.Element {
  return (
    <table class="bars-table">
      <thead>
        <tr>
          <th scope="col">from</th>
          <th scope="col">for</th>
          <th scope="col" class="number">
            events
          </th>
          <th scope="col" class="number">
            success
          </th>
          <th scope="col" class="number">
            failure
          </th>
          <th scope="col" class="number">
            unknown
          </th>
        </tr>
      </thead>
      <tbody>
        {columns.map((column) => (
          <tr key={column.since}>
            <th scope="row">
              <a href={withParameters({ since: column.since, until: column.until })}>
                <Moment at={column.since} />
              </a>
            </th>
            <td>{shownDuration(nanosOf(column.until) - nanosOf(column.since))}</td>
            <td class="number">{shownNumber(column.count)}</td>
            <td class="number">{shownNumber(column.success)}</td>
            <td class="number">{shownNumber(column.failure)}</td>
            <td class="number">{shownNumber(column.unknown)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
