/** A row of the waterfall. */

import { Component, type JSX } from "preact";
import { shownNumber } from "../common/counted";
import { isError, severityOf, titleOf } from "../common/entry";
import { StateMark } from "../common/state_mark";
import { STREAM_MARKS } from "../common/streams";
import { Text } from "../common/text";
import { textOf } from "../common/time";
import type { Place } from "../trust/belongs";
import { placeOf } from "./axis";
import type { Row } from "./layout";
import { durationText, offsetText } from "./notes";
import type { Period } from "./quiet";

export interface RowProps {
  row: Row;
  /** The trace that the entry has to be of. */
  place: Place;
  index: number;
  /** Number of the row in the table, from 1; the header is the first. */
  number: number;
  axis: Period;
  /** Colour of its service. */
  colour: number;
  isCollapsed: boolean;
  /** True if it does not match the filters, and is shown because of what is under it. */
  isSurrounding: boolean;
  isCursor: boolean;
  isSelected: boolean;
  /** True if all rows of its parent are shown. */
  isWhole: boolean;
  /** True while there may be entries that were not read yet. */
  isReading: boolean;
}

/** Number of colours of services in colours.css. */
export const COLOURS = 8;

/** Height of each row, in pixels, as in waterfall.css. */
export const ROW_HEIGHT = 28;

const DEEPEST = 14; // levels that are indented
const STEP = 12; // pixels

/** A row; it renders again only if something that it shows changed, so that scrolling is cheap. */
export class WaterfallRow extends Component<RowProps> {
  override shouldComponentUpdate(next: RowProps): boolean {
    return (Object.keys(next) as (keyof RowProps)[]).some((name) => next[name] !== this.props[name]);
  }

  override render(): JSX.Element {
    const { row, index, number, isCollapsed, isSurrounding, isCursor, isSelected, isWhole, isReading } = this.props;
    const { entry, kind, size } = row;
    const isByTime = row.notes.includes("no span") || row.notes.includes("unknown span");
    const notes = row.notes.filter((note) => note !== "no span").join(", ");
    const failed = entry && isError(entry) ? "is-error" : "";
    const marks = `${isSurrounding ? "is-surrounding" : ""} ${isCursor ? "is-cursor" : ""} ${isSelected ? "is-selected" : ""}`;
    return (
      <tr
        id={`row-${index}`}
        data-index={index}
        class={`waterfall-row is-${kind} ${failed} ${marks}`}
        aria-level={row.depth + 1}
        aria-rowindex={number}
        aria-posinset={isWhole ? row.place : undefined}
        aria-setsize={isWhole ? row.places : undefined}
        aria-expanded={size ? !isCollapsed : undefined}
        aria-selected={isSelected}
      >
        <th scope="row" class="row-name">
          <span class="row-line">
            <span class="row-indent" style={{ width: `${Math.min(row.depth, DEEPEST) * STEP}px` }} />
            <span class="row-twisty" data-toggle={size ? "" : undefined} aria-hidden="true">
              {size ? (isCollapsed ? "▸" : "▾") : isByTime ? "┆" : ""}
            </span>
            <span class="row-shape" aria-hidden="true">
              {SHAPES[kind]}
            </span>
            {entry ? (
              <Text text={titleOf(entry)} most={300} />
            ) : (
              <em>
                span <Text text={row.spanId} most={40} /> {isReading ? "was not read yet" : "is missing"}
              </em>
            )}
            {isCollapsed && <span class="hidden-rows">+{shownNumber(size)}</span>}
            {notes && (
              <span class="row-note" title={notes}>
                <span aria-hidden="true">⚠</span>
                <span class="read-out">{notes}</span>
              </span>
            )}
          </span>
        </th>
        <td class="row-service">{entry && <Text text={entry.service} most={60} />}</td>
        <td class="row-kind">
          <Text text={kindText(row)} most={30} />
        </td>
        <td class="lane">
          <Lane {...this.props} />
        </td>
        <td class="row-time row-at">{atText(this.props)}</td>
        <td class="row-time">{tookText(row)}</td>
        <td class="row-state">{entry && <StateMark entry={entry} isShort place={this.props.place} />}</td>
      </tr>
    );
  }
}

const SHAPES: Record<Row["kind"], string> = {
  span: STREAM_MARKS.spans.shape,
  audit: STREAM_MARKS.audit.shape,
  log: STREAM_MARKS.operational.shape,
  missing: "?",
};

/** The kind of an entry, and that it failed, in words. */
export function kindText({ kind, entry }: Row): string {
  if (!entry) return "";
  if (entry.stream === "spans") return `${entry.span.kind || "span"}${isError(entry) ? " · error" : ""}`;
  if (kind === "audit") return `AUDIT${isError(entry) ? " · failure" : ""}`;
  // The name of the number, not the sender's text for it, which could be "✔ checked". The fields have both.
  return severityOf(entry.record.severityNumber) || "log";
}

/** The time of a row: from the start of the trace; the date, if that is not plausible. */
function atText({ row: { kind, begin, entry, isPlausible }, axis }: RowProps): string {
  if (kind === "missing" || !entry) return "";
  return isPlausible ? offsetText(begin, (axis.to - axis.from) / 1000) : textOf(entry.nanos).slice(0, 10);
}

function tookText(row: Row): string {
  if (row.kind !== "span") return "";
  return row.notes.includes("no end") || row.notes.includes("ends before it begins")
    ? "?"
    : durationText(row.end - row.begin);
}

function Lane({ row, axis, colour }: RowProps): JSX.Element {
  const { kind, begin, end } = row;
  const { left, width, isBefore, isAfter } = placeOf(axis, begin, end);
  const isOutside = begin > axis.to || end < axis.from;
  return (
    <span class="lane-line" aria-hidden="true">
      {!isOutside && (kind === "span" || kind === "missing") && (
        <span
          class={`span-bar span-bar-${kind === "span" ? "sent" : "missing"} service-${colour}`}
          style={{ left: `${left}%`, width: `${width}%` }}
        />
      )}
      {!isOutside && (kind === "audit" || kind === "log") && (
        <span class={`row-point row-point-${kind}`} style={{ left: `${left}%` }}>
          {SHAPES[kind]}
        </span>
      )}
      {isBefore && <span class="lane-goes-on lane-goes-on-before">◂</span>}
      {isAfter && <span class="lane-goes-on lane-goes-on-after">▸</span>}
    </span>
  );
}
