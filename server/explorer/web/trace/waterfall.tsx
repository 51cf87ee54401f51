/** The waterfall: a tree grid of all entries on one axis of time. Only the rows in view are in the page. */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { ownOf } from "../common/own";
import { useVirtualRows } from "../common/virtual_rows";
import { placeOn, ticksOf } from "./axis";
import { isEverything } from "./filter";
import { tickText } from "./notes";
import { COLOURS, ROW_HEIGHT, WaterfallRow } from "./row";
import { hides, type TraceView } from "./view";

interface Props {
  view: TraceView;
  services: readonly string[];
  isReading: boolean;
  /** True if there are entries that cannot be proved, whose state needs room for words. */
  hasFindings: boolean;
  /** The table, which gets the focus. */
  table: { current: HTMLTableElement | null };
}

export function Waterfall({ view, services, isReading, hasFindings, table }: Props): JSX.Element {
  const { layout, visible, axis, cursor, cursorPlace, selection } = view;
  const box = useRef<HTMLDivElement>(null);
  const count = visible.indexes.length;
  const { first, end, above, below } = useVirtualRows(count, ROW_HEIGHT, box);
  const colours = useMemo(() => new Map(services.map((name, at) => [name, at % COLOURS])), [services]);
  const isWhole = isEverything(view.filter);
  useKeptPlace(box, view);
  useShownCursor(box, cursorPlace, selection.id);

  const onClick = (event: MouseEvent) => {
    if (!(event.target instanceof Element)) return;
    const index = Number(event.target.closest("tr[data-index]")?.getAttribute("data-index") ?? Number.NaN);
    const row = layout.rows[index];
    if (!row) return;
    if (event.target.closest("[data-toggle]")) {
      view.toggle(row);
      view.moveTo(index);
    } else if (String(getSelection() ?? "") === "") selection.open(row.id);
  };
  return (
    <div class={`waterfall ${hasFindings ? "has-findings" : ""}`} ref={box}>
      <table
        ref={table}
        // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a tree grid has no element of its own
        role="treegrid"
        tabIndex={0}
        aria-label="Entries of the trace"
        aria-rowcount={count + 1}
        aria-activedescendant={cursorPlace >= first && cursorPlace < end ? `row-${cursor}` : undefined}
        onClick={onClick}
        onKeyDown={(event) => pressed(event, view, Math.floor((box.current?.clientHeight ?? 0) / ROW_HEIGHT) - 2)}
      >
        <thead>
          <tr aria-rowindex={1}>
            <th scope="col" class="row-name">
              Entry
            </th>
            <th scope="col" class="row-service">
              Service
            </th>
            <th scope="col" class="row-kind">
              Kind
            </th>
            <th scope="col" class="lane">
              <span class="read-out">Timeline</span>
              <Ticks axis={axis} most={selection.isOpen ? 3 : 5} />
            </th>
            <th scope="col" class="row-time row-at">
              At
            </th>
            <th scope="col" class="row-time">
              Took
            </th>
            <th scope="col" class="row-state">
              <span class="row-state-name">Evidence</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {above > 0 && <Space height={above} />}
          {visible.indexes.slice(first, end).map((index, at) => {
            const row = layout.rows[index];
            return (
              row && (
                <WaterfallRow
                  key={row.id}
                  row={row}
                  place={view.place}
                  index={index}
                  number={first + at + 2}
                  axis={axis}
                  colour={colours.get(row.entry?.service ?? "") ?? 0}
                  isCollapsed={hides(view, row)}
                  isSurrounding={!visible.matches[index]}
                  isCursor={index === cursor}
                  isSelected={index === cursor && selection.isOpen}
                  isWhole={isWhole}
                  isReading={isReading}
                />
              )
            );
          })}
          {below > 0 && <Space height={below} />}
        </tbody>
      </table>
      {count === 0 && <p class="quiet">No entry matches: change the filters above.</p>}
    </div>
  );
}

function Space({ height }: { height: number }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: space, and no row
    <tr role="none" class="row-space">
      <td role="none" style={{ height: `${height}px` }} />
    </tr>
  );
}

function Ticks({ axis, most }: { axis: TraceView["axis"]; most: number }): JSX.Element {
  const ticks = ticksOf(axis, most);
  const step = (ticks[1] ?? axis.to) - (ticks[0] ?? axis.from);
  return (
    <span class="lane-line" aria-hidden="true">
      {ticks.map((at) => (
        <span key={at} class="axis-tick" style={{ left: `${placeOn(axis, at)}%` }}>
          <span class="axis-label">{tickText(at, step)}</span>
        </span>
      ))}
    </span>
  );
}

/** The keys of a tree grid (WAI-ARIA Authoring Practices). */
function pressed(event: KeyboardEvent, view: TraceView, page: number): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const { layout, visible, cursor, selection } = view;
  const row = layout.rows[cursor];
  const keys: Record<string, () => void> = {
    ArrowDown: () => view.moveBy(1),
    ArrowUp: () => view.moveBy(-1),
    PageDown: () => view.moveBy(page),
    PageUp: () => view.moveBy(-page),
    Home: () => view.moveTo(visible.indexes[0] ?? -1),
    End: () => view.moveTo(visible.indexes.at(-1) ?? -1),
    ArrowRight: () => {
      if (!row?.size) return;
      if (hides(view, row)) view.toggle(row);
      else view.moveBy(1);
    },
    ArrowLeft: () => {
      if (!row) return;
      if (row.size && !hides(view, row)) view.toggle(row);
      else if (row.parent >= 0) view.moveTo(row.parent);
    },
    Enter: () => row && selection.open(row.id),
    " ": () => row && selection.open(row.id),
  };
  const found = ownOf(keys, event.key);
  if (!found) return;
  event.preventDefault();
  found();
}

/** Keep the first row in view where it is when rows come or go above it. */
function useKeptPlace(box: { current: HTMLElement | null }, { layout, visible }: TraceView): void {
  const before = useRef({ layout, visible });
  useLayoutEffect(() => {
    const last = before.current;
    before.current = { layout, visible };
    const element = box.current;
    if (!element || element.scrollTop < ROW_HEIGHT || last.visible === visible) return;
    const at = Math.floor(element.scrollTop / ROW_HEIGHT);
    const id = last.layout.rows[last.visible.indexes[at] ?? -1]?.id;
    const now = visible.indexes.findIndex((index) => layout.rows[index]?.id === id);
    if (now >= 0) element.scrollTop += (now - at) * ROW_HEIGHT;
  }, [visible]);
}

/** Scroll as little as needed so that the row under the cursor is seen, when the cursor moves or its row arrives. */
function useShownCursor(box: { current: HTMLElement | null }, place: number, id: string): void {
  const isThere = place >= 0;
  useEffect(() => {
    const element = box.current;
    if (!element || !isThere) return;
    const header = element.querySelector("thead")?.clientHeight ?? 0;
    const top = place * ROW_HEIGHT;
    const room = element.clientHeight - header - ROW_HEIGHT;
    if (top < element.scrollTop) element.scrollTop = top;
    else if (top > element.scrollTop + room) element.scrollTop = top - room;
  }, [id, isThere]);
}
