/** The layout of a trace: a row for each entry, in the order of the tree of spans, with its place in time. Pure. */
import { type Entry, placeInTrace } from "../common/entry";
import { earlier, type Kind, later, type Node, type Note, nodesOf, treeOf } from "./node";

/** A row of the waterfall. Times are nanoseconds since the base of the layout. */
export interface Row {
  /** Identity that stays the same when the page is loaded again; part of the page's address. */
  readonly id: string;
  readonly kind: Kind;
  /** None for a span that is missing. */
  readonly entry: Entry | undefined;
  readonly spanId: string;
  readonly begin: number;
  readonly end: number;
  /** Of a span: the time in which none of its child spans ran. */
  readonly own: number;
  readonly isPlausible: boolean;
  readonly hasChildSpans: boolean;
  /** Index of the parent's row; -1 for none. */
  readonly parent: number;
  readonly depth: number;
  /** Number of rows under it. */
  readonly size: number;
  /** Place among the rows of its parent, from 1, and their number. */
  readonly place: number;
  readonly places: number;
  readonly notes: readonly Note[];
}

export interface Layout {
  readonly rows: readonly Row[];
  /** Time that 0 stands for, in nanoseconds since 1970: the first plausible one. */
  readonly base: bigint;
  /** First and last plausible time, as nanoseconds since the base. */
  readonly first: number;
  readonly last: number;
  /** Number of entries with a time that is not plausible. */
  readonly implausible: number;
}

const FIRST_YEAR = 946_684_800_000_000_000n; // 2000, as in server/query/plausible_times.py
const DAY = 86_400_000_000_000n;

/**
 * Lay out the entries of a trace.
 *
 * @param entries in any order
 * @param now the current time in nanoseconds since 1970: times more than a day later are not plausible
 */
export function layoutOf(entries: readonly Entry[], now: bigint): Layout {
  const nodes = nodesOf(entries);
  const isPlausible = (node: Node) => node.begin >= FIRST_YEAR && node.end < now + DAY;
  const plausible = nodes.filter(isPlausible);
  const dated = plausible.length ? plausible : nodes;
  const base = dated[0]?.begin ?? 0n;
  const top = treeOf(nodes);
  const last = dated.reduce((latest, { end }) => later(latest, end), base);
  const rows = rowsOf(top, base, isPlausible);
  return { rows, base, first: 0, last: Number(last - base), implausible: nodes.length - plausible.length };
}

type Draft = { -readonly [name in keyof Row]: Row[name] };

function rowsOf(top: readonly Node[], base: bigint, isPlausible: (node: Node) => boolean): Row[] {
  const rows: Draft[] = [];
  const ids = new Map<string, number>();
  // No recursion: a chain of spans may be deeper than the stack.
  const open: { nodes: readonly Node[]; at: number; row: number }[] = [{ nodes: top, at: 0, row: -1 }];
  for (let level = open.at(-1); level; level = open.at(-1)) {
    const node = level.nodes[level.at];
    if (!node) {
      open.pop();
      const closed = rows[level.row];
      if (closed) closed.size = rows.length - 1 - level.row;
      continue;
    }
    level.at += 1;
    if (node.kind !== "missing" && !isPlausible(node)) node.notes.push("implausible time");
    rows.push({
      id: unique(idOf(node), ids),
      kind: node.kind,
      entry: node.entry,
      spanId: node.spanId,
      begin: Number(node.begin - base),
      end: Number(node.end - base),
      own: node.kind === "span" ? Number(ownTime(node)) : 0,
      isPlausible: isPlausible(node),
      hasChildSpans: node.children.some(({ kind }) => kind === "span"),
      parent: level.row,
      depth: open.length - 1,
      size: 0,
      place: level.at,
      places: level.nodes.length,
      notes: node.notes,
    });
    if (node.children.length) open.push({ nodes: node.children, at: 0, row: rows.length - 1 });
  }
  return rows;
}

/** The time of a span in which none of its child spans ran. */
function ownTime(node: Node): bigint {
  let own = node.end - node.begin;
  let covered = node.begin;
  for (const child of node.children) {
    if (child.kind !== "span") continue;
    const begin = later(child.begin, covered);
    const end = earlier(child.end, node.end);
    if (end <= begin) continue;
    own -= end - begin;
    covered = end;
  }
  return own;
}

function idOf({ kind, entry, spanId, begin }: Node): string {
  if (kind === "missing") return `missing.${spanId}`;
  const place = entry && placeInTrace(entry);
  if (place !== undefined) return place;
  return kind === "span" && spanId ? `span.${spanId}` : `${kind}.${begin}`;
}

function unique(id: string, taken: Map<string, number>): string {
  const count = (taken.get(id) ?? 0) + 1;
  taken.set(id, count);
  return count === 1 ? id : `${id}~${count}`;
}
