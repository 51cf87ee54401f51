/** The state of a trace's page, most of it in the address, and what the reader can do with it. */
import { useMemo } from "preact/hooks";
import { change, parameters } from "../app/location";
import { isError } from "../common/entry";
import type { Place } from "../trust/belongs";
import { collapsedChanges, collapsedOf, filterOf, zoomChanges } from "./address";
import { axisOf, zoomed } from "./axis";
import {
  type Collapsed,
  type Filter,
  isCollapsed,
  isDoubtful,
  nextRow,
  revealed,
  type Visible,
  visibleOf,
} from "./filter";
import type { Layout, Row } from "./layout";
import type { Period } from "./quiet";
import { type Selection, useSelection } from "./selection";

/** Kinds of entries to jump to. */
type Jump = "error" | "audit event" | "unproved entry";

export interface TraceView {
  layout: Layout;
  /** The trace that all entries have to be of. */
  place: Place;
  filter: Filter;
  collapsed: Collapsed;
  visible: Visible;
  /** The time that is shown. */
  axis: Period;
  selection: Selection;
  /** Index of the row under the cursor; -1 for none. */
  cursor: number;
  /** Place of the cursor among the visible rows; -1 if it is not among them. */
  cursorPlace: number;
  zoomTo: (zoom: Period | undefined) => void;
  /** Show a part of the time that is shown, around the cursor; more of it if the factor is above 1. */
  zoomBy: (factor: number) => void;
  toggle: (row: Row) => void;
  collapseAll: (isAll: boolean) => void;
  /** Move the cursor by a number of visible rows. */
  moveBy: (rows: number) => void;
  moveTo: (index: number) => void;
  /** Go to the next row of a kind, around the end if needed. */
  jump: (to: Jump, step: 1 | -1) => void;
  /** Show a row and open it, also if it is in collapsed spans. */
  show: (index: number) => void;
}

export function useTraceView(layout: Layout, refuted: ReadonlySet<string>, trace: Place): TraceView {
  const query = parameters.value;
  const selection = useSelection();
  const filter = useMemo(() => filterOf(query, layout.base), [query, layout.base]);
  const collapsed = useMemo(() => collapsedOf(query), [query]);
  const text = JSON.stringify([filter, collapsed.isAll, ...collapsed.except]);
  const visible = useMemo(() => visibleOf(layout, filter, collapsed, refuted), [layout, text, refuted]);
  const axis = useMemo(() => axisOf(layout, filter.time), [layout, text]);
  const indexes = useMemo(() => new Map(layout.rows.map(({ id }, index) => [id, index])), [layout]);
  const places = useMemo(() => new Map(visible.indexes.map((index, place) => [index, place])), [visible]);
  const cursor = indexes.get(selection.id) ?? -1;
  const cursorPlace = places.get(cursor) ?? -1;

  const zoomTo = (zoom: Period | undefined) => change(zoomChanges(zoom, layout.base));
  const setCollapsed = (now: Collapsed) => change(collapsedChanges(now), { replace: true });
  const moveTo = (index: number) => {
    const row = layout.rows[index];
    if (row) selection.move(row.id);
  };
  const reveal = (index: number) => {
    if (!places.has(index)) setCollapsed(revealed(layout, index, collapsed));
  };
  return {
    layout,
    place: trace,
    filter,
    collapsed,
    visible,
    axis,
    selection,
    cursor,
    cursorPlace,
    zoomTo,
    zoomBy: (factor) => {
      const row = layout.rows[cursor];
      zoomTo(zoomed(layout, axis, row ? (row.begin + row.end) / 2 : (axis.from + axis.to) / 2, factor));
    },
    toggle: (row) => {
      const except = new Set(collapsed.except);
      if (!except.delete(row.spanId)) except.add(row.spanId);
      setCollapsed({ isAll: collapsed.isAll, except });
    },
    collapseAll: (isAll) => setCollapsed({ isAll, except: new Set() }),
    moveBy: (rows) => {
      const last = visible.indexes.length - 1;
      const from = cursorPlace < 0 ? (rows > 0 ? -1 : last + 1) : cursorPlace;
      moveTo(visible.indexes[Math.min(Math.max(from + rows, 0), last)] ?? -1);
    },
    moveTo,
    jump: (to, step) => {
      const index = nextRow(layout, visible, cursor, step, (row) => isWanted(to, row, refuted));
      if (index === undefined) return;
      reveal(index);
      moveTo(index);
    },
    show: (index) => {
      reveal(index);
      selection.open(layout.rows[index]?.id ?? "");
    },
  };
}

function isWanted(to: Jump, { kind, entry }: Row, refuted: ReadonlySet<string>): boolean {
  if (!entry) return false;
  if (to === "audit event") return kind === "audit";
  if (to === "error") return isError(entry);
  return isDoubtful(entry) || refuted.has(entry.key);
}

/** Return whether a row of the view hides what is under it. */
export const hides = ({ collapsed }: TraceView, row: Row): boolean => isCollapsed(row, collapsed);
