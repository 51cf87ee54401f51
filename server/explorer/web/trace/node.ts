/** Entries of a trace before they are laid out: in order, each under its span. Pure. */
import type { Entry } from "../common/entry";
import { nanosOf } from "../common/time";

/** Something about an entry that a reader should know; see notes.ts for words. */
export type Note =
  | "duplicate span"
  | "cycle"
  | "begins before its parent"
  | "no end"
  | "ends before it begins"
  | "implausible time"
  | "unknown span"
  | "no span";

export type Kind = "span" | "audit" | "log" | "missing";

/** An entry, or a span that others name as their parent and that is not there. */
export interface Node {
  readonly kind: Kind;
  readonly entry: Entry | undefined;
  readonly spanId: string;
  /** Nanoseconds since 1970. */
  readonly begin: bigint;
  readonly end: bigint;
  readonly children: Node[];
  readonly notes: Note[];
  parent: Node | undefined;
}

/** Return the entries as nodes, in order of time, a span before what is recorded in it. */
export function nodesOf(entries: readonly Entry[]): Node[] {
  return entries
    .map(nodeOf)
    .map((node) => ({ node, received: ingestedAt(node.entry) }))
    .sort((one, other) => before(one.node, other.node) || compare(one.received, other.received))
    .map(({ node }) => node);
}

function nodeOf(entry: Entry): Node {
  const isSpan = entry.stream === "spans";
  const took = isSpan ? BigInt(entry.span.durationNanos) : 0n;
  const notes: Note[] = [];
  if (isSpan) {
    // The codec keeps an end that is before the start; senders leave it at 0 if a span never ended.
    const end = /"end":"(\d+)"/.exec(entry.span.otlpDetails)?.[1];
    if (end !== undefined) notes.push(end === "0" ? "no end" : "ends before it begins");
  }
  return {
    kind: isSpan ? "span" : entry.stream === "audit" ? "audit" : "log",
    entry,
    spanId: isSpan ? entry.span.spanId : entry.record.spanId,
    begin: entry.nanos,
    end: entry.nanos + took,
    children: [],
    notes,
    parent: undefined,
  };
}

function before(one: Node, other: Node): number {
  return compare(one.begin, other.begin) || rank(one) - rank(other);
}

/** Spans come before what is recorded in them. */
const rank = ({ kind }: Node): number => Number(kind === "audit" || kind === "log");

/** The earlier, or the later, of two times; Math.min knows no bigint. */
export const earlier = (one: bigint, other: bigint): bigint => (compare(one, other) <= 0 ? one : other);
export const later = (one: bigint, other: bigint): bigint => (compare(one, other) >= 0 ? one : other);

function compare(one: bigint, other: bigint): number {
  return one < other ? -1 : one > other ? 1 : 0;
}

function ingestedAt(entry: Entry | undefined): bigint {
  const text = entry?.stream === "spans" ? entry.span.ingestedAt : entry?.record.ingestedAt;
  return text ? nanosOf(text) : 0n;
}

/** Put each node under its parent, and return those without one, in order of time. Missing parents get nodes too. */
export function treeOf(nodes: readonly Node[]): Node[] {
  const spans = new Map<string, SameId>();
  for (const node of nodes) {
    if (node.kind !== "span" || !node.spanId) continue;
    const known = spans.get(node.spanId) ?? { first: [], ofService: new Map() };
    spans.set(node.spanId, known);
    const [before] = known.first;
    if (before) node.notes.push("duplicate span");
    if (before && known.first.length === 1) before.notes.push("duplicate span");
    keepTwo(known.first, node);
    const service = node.entry?.service ?? "";
    const same = known.ofService.get(service) ?? [];
    known.ofService.set(service, same);
    keepTwo(same, node);
  }
  const missing = new Map<string, Node[]>();
  for (const node of nodes) if (node.kind === "span") node.parent = parentOf(node, spans, missing);
  const alone: Node[] = [];
  for (const node of nodes) {
    if (node.kind === "span") continue;
    const within = spans.get(node.spanId);
    if (within) node.parent = closest(node, within);
    else if (missing.has(node.spanId)) missing.get(node.spanId)?.push(node);
    else {
      node.notes.push(node.spanId ? "unknown span" : "no span");
      alone.push(node);
    }
  }
  cutCycles(nodes);
  const placeholders = [...missing].map(([spanId, children]) => placeholder(spanId, children));
  const roots = nodes.filter((node) => node.kind === "span" && !node.parent);
  placeByTime(alone, [...placeholders, ...roots].sort(before));
  for (const node of nodes) {
    node.parent?.children.push(node);
    const isEarly = node.kind === "span" && node.parent?.kind === "span" && node.begin < node.parent.begin;
    if (isEarly) node.notes.push("begins before its parent");
  }
  return [...placeholders, ...nodes.filter(({ parent }) => !parent)].sort(before);
}

/** Of the spans with one ID, the first two, and the first two of each service: senders choose how many there are. */
interface SameId {
  readonly first: Node[];
  readonly ofService: Map<string, Node[]>;
}

function keepTwo(kept: Node[], node: Node): void {
  if (kept.length < 2) kept.push(node);
}

function parentOf(node: Node, spans: Map<string, SameId>, missing: Map<string, Node[]>): Node | undefined {
  const parentId = node.entry?.stream === "spans" ? node.entry.span.parentSpanId : "";
  if (!parentId) return undefined;
  const candidates = spans.get(parentId);
  const parent = candidates && closest(node, candidates);
  if (parent) return parent;
  if (candidates) node.notes.push("cycle");
  else if (missing.has(parentId)) missing.get(parentId)?.push(node);
  else missing.set(parentId, [node]);
  return undefined;
}

/** Of spans with the same ID, another one of the same service: both ends of a call share an ID in Zipkin's B3. */
function closest(node: Node, { first, ofService }: SameId): Node | undefined {
  const isOther = (candidate: Node) => candidate !== node;
  return ofService.get(node.entry?.service ?? "")?.find(isOther) ?? first.find(isOther);
}

/** Make the earliest span of each cycle of parents one without a parent. */
function cutCycles(nodes: readonly Node[]): void {
  const done = new Set<Node>();
  for (const start of nodes) {
    const way = new Set<Node>();
    let at: Node | undefined = start;
    while (at && !done.has(at) && !way.has(at)) {
      way.add(at);
      at = at.parent;
    }
    if (at && way.has(at)) {
      let earliest = at;
      for (let one = at.parent; one && one !== at; one = one.parent) if (before(one, earliest) < 0) earliest = one;
      earliest.parent = undefined;
      earliest.notes.push("cycle");
    }
    for (const passed of way) done.add(passed);
  }
}

/** Put entries of unknown spans under the span without a parent that ran at their time, the latest of several. */
function placeByTime(alone: readonly Node[], roots: readonly Node[]): void {
  const open: Node[] = [];
  let next = 0;
  for (const node of alone) {
    for (let root = roots[next]; root && root.begin <= node.begin; root = roots[next]) {
      open.push(root);
      next += 1;
    }
    while (open.length && (open.at(-1) as Node).end < node.begin) open.pop();
    node.parent = open.at(-1);
  }
}

function placeholder(spanId: string, children: readonly Node[]): Node {
  let [begin, end] = [children[0]?.begin ?? 0n, children[0]?.end ?? 0n];
  for (const child of children) {
    begin = earlier(begin, child.begin);
    end = later(end, child.end);
  }
  const made: Node = {
    kind: "missing",
    entry: undefined,
    spanId,
    begin,
    end,
    children: [],
    notes: [],
    parent: undefined,
  };
  for (const child of children) child.parent = made;
  return made;
}
