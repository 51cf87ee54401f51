/** The list of records: a table of which only the rows in view are in the page. */
import type { JSX, VNode } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { serverNow } from "../api/clock";
import { withParameters } from "../app/location";
import { type Zone, zone } from "../app/preferences";
import { type Entry, isError } from "../common/entry";
import { ownOf } from "../common/own";
import { StateMark } from "../common/state_mark";
import { STREAM_MARKS } from "../common/streams";
import { Text } from "../common/text";
import { shownTime, textOf, zoneName } from "../common/time";
import { useVirtualRows } from "../common/virtual_rows";
import { NAMED_COLUMNS, oneLine, textIn } from "./columns";
import { entryAt } from "./places";

export const ROW_HEIGHT = 26;
const WRAPPED_HEIGHT = 68;

export interface RowsProps {
  entries: readonly Entry[];
  columns: readonly string[];
  wraps: boolean;
  oldestFirst: boolean;
  /** Number of all rows, also of those that are not loaded; undefined if it is not known. */
  total: number | undefined;
  /** The row that is shown beside the list: a place, as in the URL. */
  open: string;
  /** The row that keys begin from. */
  current: number;
  isBusy: boolean;
  onOpen: (at: number) => void;
  onSort?: () => void;
  /** The end of the loaded rows is near. */
  onEnd?: () => void;
  onScroll?: (scrolled: number) => void;
  /** One more column, such as the time within which a record was signed. */
  extra?: { name: string; title: string; width: string; value: (entry: Entry) => string };
  body: { current: HTMLDivElement | null };
}

export function Rows(props: RowsProps): JSX.Element {
  const { entries, columns, wraps, total, open, current, isBusy, onOpen, onEnd, onScroll, extra, body } = props;
  const height = wraps ? WRAPPED_HEIGHT : ROW_HEIGHT;
  const view = useVirtualRows(entries.length, height, body);
  useEffect(() => {
    if (view.end >= entries.length - 30) onEnd?.();
  }, [view.end, entries.length, onEnd]);
  useShownRow(body, current, height);
  const made = useRef<MadeRows>({ inputs: "", rows: new Map() });
  const opened = useMemo(() => (open ? entryAt(entries, open) : undefined), [entries, open]);
  // Rows outlive what they were made with, so they call what is the latest.
  const latest = useRef(onOpen);
  latest.current = onOpen;
  const openRow = useCallback((at: number) => latest.current(at), []);
  const inputs = JSON.stringify([columns, wraps, zone.value, extra?.name, withParameters(CLOSED)]);
  if (made.current.inputs !== inputs) made.current = { inputs, rows: new Map() };
  const rowOf = (at: number): VNode | null => {
    const entry = entries[at];
    if (!entry) return null;
    const isOpen = entry === opened;
    const isCurrent = at === current;
    const known = made.current.rows.get(at);
    // By the entry, not its key: another answer may say something else of the same record.
    if (known?.entry === entry && known.isOpen === isOpen && known.isCurrent === isCurrent) return known.node;
    const node = (
      <Row
        key={entry.key}
        {...{ entry, at, columns, wraps, extra, isOpen, isCurrent }}
        zone={zone.value}
        onOpen={openRow}
      />
    );
    made.current.rows.set(at, { entry, isOpen, isCurrent, node });
    return node;
  };
  if (made.current.rows.size > 2_000) made.current.rows.clear();
  return (
    <div
      class={`rows${wraps ? " rows-wrapped" : ""}`}
      ref={body}
      aria-busy={isBusy}
      onScroll={onScroll && ((event) => onScroll(event.currentTarget.scrollTop))}
    >
      <table aria-rowcount={total === undefined ? -1 : total + 1}>
        <caption class="read-out">Records</caption>
        <Head {...props} />
        <tbody>
          <Space height={view.above} />
          {Array.from({ length: view.end - view.first }, (_, at) => rowOf(view.first + at))}
          <Space height={view.below} />
        </tbody>
      </table>
    </div>
  );
}

/** Parameters of the record beside the list, which the links of rows do not keep. */
const CLOSED = { open: undefined, near: undefined };

interface MadeRows {
  inputs: string;
  /** By place in the list. The same node again is not compared by Preact. */
  rows: Map<number, { entry: Entry; isOpen: boolean; isCurrent: boolean; node: VNode }>;
}

/** Rows that are not in the page; screen readers do not meet them. */
function Space({ height }: { height: number }): JSX.Element | null {
  return height > 0 ? <tr class="space" style={{ height: `${height}px` }} /> : null;
}

function Head({ columns, extra, oldestFirst, onSort }: RowsProps): JSX.Element {
  const zoneText = zoneName(serverNow(), zone.value);
  return (
    <>
      <colgroup>
        <col class="col-state" />
        {extra && <col style={{ width: extra.width }} />}
        {columns.map((column) => (
          <col key={column} class={`col-${column}`} />
        ))}
      </colgroup>
      <thead>
        <tr aria-rowindex={1}>
          <th scope="col">
            <span class="read-out">Evidence</span>
          </th>
          {extra && (
            <th scope="col" title={extra.title}>
              {extra.name}
            </th>
          )}
          {columns.map((column) =>
            column === "time" ? (
              <th key={column} scope="col" aria-sort={oldestFirst ? "ascending" : "descending"}>
                {onSort ? (
                  <button
                    type="button"
                    class="sort"
                    onClick={onSort}
                    title={oldestFirst ? "oldest first" : "newest first"}
                  >
                    Time <span class="quiet">{zoneText}</span> <span aria-hidden="true">{oldestFirst ? "▲" : "▼"}</span>
                  </button>
                ) : (
                  <>
                    Time <span class="quiet">{zoneText}</span>
                  </>
                )}
              </th>
            ) : (
              <th key={column} scope="col" class={`cell-${column}`}>
                {ownOf(NAMED_COLUMNS, column) ?? <Text text={column} most={80} />}
              </th>
            ),
          )}
        </tr>
      </thead>
    </>
  );
}

interface RowProps {
  entry: Entry;
  at: number;
  columns: readonly string[];
  wraps: boolean;
  zone: Zone;
  isOpen: boolean;
  isCurrent: boolean;
  extra: RowsProps["extra"];
  onOpen: (at: number) => void;
}

function Row({ entry, at, columns, zone, isOpen, isCurrent, extra, onOpen }: RowProps): JSX.Element {
  const kind = `row row-${entry.stream}${isError(entry) ? " row-error" : ""}${isOpen ? " row-open" : ""}`;
  const open = (event: MouseEvent) => {
    // Text that is being selected is to be read or copied; links with a modifier open a tab.
    if (event.ctrlKey || event.metaKey || event.shiftKey || String(getSelection())) return;
    event.preventDefault();
    onOpen(at);
  };
  return (
    // The link in the row is for keys.
    <tr class={kind} aria-rowindex={at + 2} aria-current={isOpen ? "true" : undefined} onClick={open}>
      <td class="col-state">
        <StateMark entry={entry} isShort />
      </td>
      {extra && <td>{extra.value(entry)}</td>}
      {columns.map((column, index) => (
        <Cell key={column} {...{ entry, column, zone }}>
          {index === 0 ? { href: withParameters({ ...CLOSED, open: entry.key }), isCurrent, at } : undefined}
        </Cell>
      ))}
    </tr>
  );
}

interface CellProps {
  entry: Entry;
  column: string;
  zone: Zone;
  /** The link that opens the record, in the first column. */
  children?: { href: string; isCurrent: boolean; at: number };
}

function Cell({ entry, column, zone, children: link }: CellProps): JSX.Element {
  const content = contentOf(entry, column, zone);
  if (!link) return <td class={`cell-${column}`}>{content}</td>;
  return (
    <th scope="row" class={`cell-${column}`}>
      <a class="row-link" href={link.href} data-row={link.at} tabIndex={link.isCurrent ? 0 : -1}>
        {content}
      </a>
    </th>
  );
}

function contentOf(entry: Entry, column: string, zone: Zone): JSX.Element {
  if (column === "time") {
    const { date, time } = shownTime(entry.nanos, zone);
    return (
      <time dateTime={textOf(entry.nanos)} title={textOf(entry.nanos)}>
        <span class="quiet">{date}</span> {time}
      </time>
    );
  }
  if (column === "stream") {
    const { shape, word } = STREAM_MARKS[entry.stream];
    return (
      <span class={`stream stream-${entry.stream}`}>
        <span aria-hidden="true">{shape}</span> <span class="word">{word}</span>
      </span>
    );
  }
  if (column === "severity") {
    const text = textIn(entry, column);
    return <span class={`severity severity-${text.toLowerCase()}`}>{text}</span>;
  }
  return <Text text={oneLine(textIn(entry, column))} />;
}

/** Keep the current row in view, and the focus on it if it was in the list. */
function useShownRow(body: RowsProps["body"], current: number, height: number): void {
  const isFirst = useRef(true);
  useLayoutEffect(() => {
    const element = body.current;
    if (isFirst.current || current < 0 || !element) {
      isFirst.current = false;
      return;
    }
    const head = element.querySelector("thead")?.offsetHeight ?? height;
    const top = current * height;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top + height + head > element.scrollTop + element.clientHeight) {
      element.scrollTop = top + height + head - element.clientHeight;
    }
    const frame = requestAnimationFrame(() => {
      const isElsewhere = document.activeElement !== document.body && !element.contains(document.activeElement);
      if (!isElsewhere) element.querySelector<HTMLElement>(`[data-row="${current}"]`)?.focus({ preventScroll: true });
    });
    return () => cancelAnimationFrame(frame);
  }, [current, height]);
}
