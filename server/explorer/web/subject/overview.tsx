/** The overview of an actor or a target: counts, first and last times, outcomes, and the values of each field. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { AuditOverview, ValueSummary } from "../api/types";
import { withParameters } from "../app/location";
import { searchPath } from "../app/routes";
import { counted, shownNumber, shownShare } from "../common/counted";
import { Moment } from "../common/moment";
import { ownOf } from "../common/own";
import { termOf } from "../common/terms";
import { Text } from "../common/text";
import { hasTerm, toggled } from "../query/terms";
import { outcomeOf } from "./outcomes";
import { Outcome, subjectPath } from "./words";

const SHOWN = 5;

/** Number of events, with the first and the last time. */
export function Summary({ overview }: { overview: AuditOverview }): JSX.Element {
  const implausible = Number(overview.implausibleTimeCount);
  return (
    <p class="summary">
      <strong>{counted(overview.eventCount, "event")}</strong>, first seen <Moment at={overview.firstSeen} />, last seen{" "}
      <Moment at={overview.lastSeen} />
      {implausible > 0 &&
        `, without ${shownNumber(implausible)} that ${implausible === 1 ? "is" : "are"} dated before 2000 or in the future`}
    </p>
  );
}

/** The values of all fields, each a filter. */
export function Overview({ overview, query }: { overview: AuditOverview; query: string }): JSX.Element {
  const outcomes = overview.fields.find(({ field }) => field === "outcome")?.values ?? [];
  const fields = overview.fields.filter(({ field, values }) => field !== "outcome" && values.length > 0);
  return (
    <div class="overview">
      <Outcomes values={outcomes} total={Number(overview.eventCount)} query={query} />
      {fields.map(({ field, values, valueCount }) => (
        <FieldTable key={field} field={field} values={values} valueCount={Number(valueCount)} query={query} />
      ))}
    </div>
  );
}

function Outcomes({
  values,
  total,
  query,
}: {
  values: readonly ValueSummary[];
  total: number;
  query: string;
}): JSX.Element {
  return (
    <table class="field outcomes">
      <caption>Outcome</caption>
      <thead class="read-out">
        <tr>
          <th scope="col">Outcome</th>
          <th scope="col">Share</th>
          <th scope="col">Events</th>
        </tr>
      </thead>
      <tbody>
        {values.map(({ value, count }) => (
          <tr key={value}>
            <th scope="row">
              <Filter field="outcome" value={value} query={query}>
                <Outcome of={value} />
              </Filter>
            </th>
            <td>
              <div class="share">
                <span
                  class={`outcome-bar bar-${outcomeOf(value)}`}
                  style={{ width: `${(Number(count) / Math.max(total, 1)) * 100}%` }}
                  aria-hidden="true"
                />
                <span class="percent">{shownShare(Number(count), total)}</span>
              </div>
            </td>
            <td class="number">{shownNumber(count)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface FieldProps {
  field: string;
  values: readonly ValueSummary[];
  valueCount: number;
  query: string;
}

function FieldTable({ field, values, valueCount, query }: FieldProps): JSX.Element {
  const [showsAll, setShowsAll] = useState(false);
  const shown = showsAll ? values : values.slice(0, SHOWN);
  const unlisted = valueCount - values.length;
  return (
    <div class="field">
      <table>
        <caption>
          {nameOf(field)} <span class="quiet">{shownNumber(valueCount)}</span>
        </caption>
        <thead>
          <tr>
            <th scope="col">{field}</th>
            <th scope="col" class="number">
              events
            </th>
            <th scope="col">first seen</th>
            <th scope="col" class="last-seen">
              last seen
            </th>
            <th scope="col">
              <span class="read-out">everywhere</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((summary) => (
            <tr key={summary.value}>
              <th scope="row">
                <Filter field={field} value={summary.value} query={query}>
                  <Text text={summary.value} most={80} />
                </Filter>
              </th>
              <td class="number">{shownNumber(summary.count)}</td>
              <td>
                <Moment at={summary.firstSeen} isShort />
              </td>
              <td class="last-seen">
                <Moment at={summary.lastSeen} isShort />
              </td>
              <td>
                <Elsewhere field={field} value={summary.value} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {(values.length > SHOWN || unlisted > 0) && (
        <p class="more">
          {values.length > SHOWN && (
            <button type="button" aria-expanded={showsAll} onClick={() => setShowsAll(!showsAll)}>
              {showsAll ? "fewer" : `${values.length - SHOWN} more`}
            </button>
          )}{" "}
          {unlisted > 0 && <span class="quiet">{shownNumber(unlisted)} others are not listed</span>}
        </p>
      )}
    </div>
  );
}

/** A link that narrows the events to a value, or widens them again. */
export function Filter({
  field,
  value,
  query,
  children,
}: {
  field: string;
  value: string;
  query: string;
  children: JSX.Element;
}): JSX.Element {
  const term = termOf(field, value);
  const isOn = hasTerm(query, term);
  return (
    <a class="filter" href={withParameters({ q: toggled(query, term) })} aria-current={isOn ? "true" : undefined}>
      {isOn && (
        <>
          <span aria-hidden="true">× </span>
          <span class="read-out">remove the filter </span>
        </>
      )}
      {children}
    </a>
  );
}

/** The way to everything of a value: the page of an actor or a target, or a search. */
function Elsewhere({ field, value }: { field: string; value: string }): JSX.Element {
  const isSubject = field === "actor" || field === "target";
  const href = isSubject ? subjectPath(field, value) : searchPath(termOf(field, value));
  const does = isSubject ? `everything of the ${field}` : `search for the ${field} everywhere`;
  return (
    <a class="elsewhere" href={href} title={does}>
      <span aria-hidden="true">→</span>
      <span class="read-out">
        {does} <Text text={value} most={80} />
      </span>
    </a>
  );
}

const PLURALS: Record<string, string> = { category: "Categories" };

const nameOf = (field: string): string => ownOf(PLURALS, field) ?? `${field.charAt(0).toUpperCase()}${field.slice(1)}s`;
