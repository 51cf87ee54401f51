/** The list of events: only rows in view are in the page, and answers are asked for near the end of those before. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { AuditOverview } from "../api/types";
import { useShortcuts } from "../app/keyboard";
import { navigate } from "../app/location";
import { Failure } from "../common/answer";
import { shownNumber } from "../common/counted";
import { ZoneName } from "../common/moment";
import { useVirtualRows } from "../common/virtual_rows";
import { isWrongQuery } from "../query/errors";
import { whyMisplaced } from "../trust/belongs";
import type { Asked, Found } from "./ask";
import { EventRow, ROW_HEIGHT, recordPathOf, SessionRow } from "./event_row";
import { firstMarks } from "./first_marks";
import { type Row, rowsOf } from "./rows";
import type { Subject, View } from "./view";

const NEAR_END = 60; // rows
const NARROW = "(max-width: 48rem)"; // as in subject.css

interface Props {
  subject: Subject;
  view: View;
  asked: Asked;
  found: Found;
  /** Overview of all events of the subject, for first times. */
  whole: AuditOverview | undefined;
  /** True if the view leaves nothing out. */
  isAll: boolean;
}

/** The events of a view. */
export function Events({ subject, view, asked, found, whole, isAll }: Props): JSX.Element {
  const { entries, overview, next } = found;
  const container = useRef<HTMLElement>(null);
  const rows = useMemo(() => rowsOf(entries, overview, view.isGrouped), [entries, overview, view.isGrouped]);
  const marks = useMemo(
    () =>
      firstMarks(
        entries.filter((entry) => !whyMisplaced(entry, subject)),
        whole,
        subject.kind,
        isAll && !next,
      ),
    [entries, whole, subject, isAll, next],
  );
  const height = useRowHeight();
  const { first, end, above, below } = useVirtualRows(rows.length, height, container);
  const isNearEnd = end >= rows.length - NEAR_END;
  const hasFailed = asked.error !== undefined;
  useEffect(() => {
    if (isNearEnd && !hasFailed) asked.more();
  }, [isNearEnd, hasFailed, found]);
  useEffect(() => container.current?.scrollTo(0, 0), [subject.id, subject.kind, view.query, view.isOldestFirst]);
  useRowKeys(rows, height, container);
  const total = Number(overview?.eventCount ?? entries.length);
  return (
    <div class={asked.isWaiting ? "events stale" : "events"}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard (WCAG 2.1.1) */}
      <section class="event-scroll" ref={container} tabIndex={0} aria-label="Events">
        <table aria-rowcount={next ? -1 : rows.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              <th scope="col" class="when">
                time (<ZoneName at={entries[0]?.nanos ?? 0n} />)
              </th>
              <th scope="col" class="outcome-cell">
                outcome
              </th>
              <th scope="col" class="what">
                event
              </th>
              <th scope="col" class="proof">
                evidence
              </th>
            </tr>
          </thead>
          <tbody>
            <Space height={above} />
            {rows.slice(first, end).map((row, index) => {
              const number = first + index + 2;
              return row.kind === "session" ? (
                <SessionRow key={row.key} row={row} query={view.query} number={number} />
              ) : (
                <EventRow
                  key={row.key}
                  subject={subject}
                  entry={row.entry}
                  marks={marks.get(row.key) ?? []}
                  isGrouped={view.isGrouped}
                  number={number}
                />
              );
            })}
            <Space height={below} />
          </tbody>
        </table>
      </section>
      <p class="quiet" role="status">
        {asked.isWaiting || asked.isLoadingMore
          ? "Loading …"
          : `${shownNumber(entries.length)} of ${shownNumber(Math.max(total, entries.length))} events are here${next ? ": scroll for more" : ""}`}
      </p>
      {asked.error && (
        <>
          <Failure error={asked.error} />
          {!isWrongQuery(asked.error) && (
            <button type="button" onClick={asked.more}>
              Try again
            </button>
          )}
        </>
      )}
    </div>
  );
}

/** Height of each row, which is greater on narrow screens, where sentences have two lines. */
function useRowHeight(): number {
  const [isNarrow, setIsNarrow] = useState(() => matchMedia(NARROW).matches);
  useEffect(() => {
    const media = matchMedia(NARROW);
    const update = () => setIsNarrow(media.matches);
    media.addEventListener("change", update);
    return () => media.removeEventListener("change", update);
  }, []);
  return isNarrow ? ROW_HEIGHT.narrow : ROW_HEIGHT.wide;
}

function Space({ height }: { height: number }): JSX.Element | null {
  return height > 0 ? (
    <tr class="space">
      <td colSpan={4} style={{ height: `${height}px` }} />
    </tr>
  ) : null;
}

/** The keys j and k move the focus from event to event, and Enter opens the record. */
function useRowKeys(rows: readonly Row[], height: number, container: { current: HTMLElement | null }): void {
  const at = useRef(-1);
  useEffect(() => {
    at.current = -1;
  }, [rows[0]?.key]);
  const move = (by: 1 | -1) => {
    const focused = document.activeElement?.closest<HTMLElement>("tr[data-row]")?.dataset.row;
    if (focused) at.current = Number(focused) - 2;
    let next = at.current + by;
    while (rows[next]?.kind === "session") next += by;
    const element = container.current;
    if (!rows[next] || !element) return;
    at.current = next;
    const top = next * height;
    if (top < element.scrollTop) element.scrollTop = top;
    const visible = element.clientHeight - 2 * height; // without the head, and a horizontal bar
    if (top > element.scrollTop + visible) element.scrollTop = top - visible;
    requestAnimationFrame(() =>
      // The rows that come into view are rendered in the next frame.
      requestAnimationFrame(() =>
        element.querySelector<HTMLElement>(`tr[data-row="${next + 2}"]`)?.focus({ preventScroll: true }),
      ),
    );
  };
  const open = () => {
    const row = rows[at.current];
    const path = row?.kind === "event" ? recordPathOf(row.entry) : undefined;
    if (path) navigate(path);
  };
  useShortcuts(
    [
      { key: "j", does: "next event", run: () => move(1) },
      { key: "k", does: "previous event", run: () => move(-1) },
      { key: "Enter", does: "open the record", run: open },
    ],
    [rows, height],
  );
}
