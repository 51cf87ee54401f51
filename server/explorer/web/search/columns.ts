/** Columns of the list: their names, and their values as one line of text. */
import { type Entry, severityOf, titleOf } from "../common/entry";
import { ownOf } from "../common/own";
import { beginningOf } from "../common/text";
import { shownDuration } from "../common/time";

/** Most characters of a value in the list; the record beside it has all of them. */
const MOST = 400;

/** Columns with a meaning of their own; others are fields of the query language and attributes. */
export const NAMED_COLUMNS: Readonly<Record<string, string>> = {
  time: "Time",
  stream: "Stream",
  service: "Service",
  severity: "Severity",
  message: "Message",
};

/** Other columns that the reader is offered; attributes may be added by name. */
export const OFFERED: readonly string[] = [
  "time",
  "stream",
  "service",
  "severity",
  "message",
  "actor",
  "action",
  "target",
  "outcome",
  "source",
  "category",
  "session",
  "event",
  "trace",
  "duration",
  "received",
  "log",
  "leaf",
];

/** The columns of a text of names, separated by commas: each once, those that are offered in lower case. */
export function columnsIn(text: string): string[] {
  const names = text.split(",").filter(Boolean);
  return [...new Set(names.map((name) => (OFFERED.includes(name.toLowerCase()) ? name.toLowerCase() : name)))];
}

/** The value of a column but time and stream, as one line of at most some hundred characters. */
export function textIn(entry: Entry, column: string): string {
  return oneLine(rawValue(entry, column));
}

/** The first line of the message, and how many follow: the lines of a stack trace do not read as one. */
export function firstLineOf(entry: Entry): { line: string; others: number } {
  const [line = "", ...others] = messageOf(entry).trim().split("\n");
  return { line, others: others.length };
}

/** A text as one line. */
export function oneLine(text: string): string {
  const cut = text.length > MOST ? `${beginningOf(text, MOST)}…` : text;
  return /\s{2}|[\n\t]/.test(cut) ? cut.replace(/\s+/g, " ") : cut;
}

function rawValue(entry: Entry, column: string): string {
  const field = column.toLowerCase(); // as in queries, the case of fields does not matter, and that of attributes does
  switch (field) {
    case "message":
      return messageOf(entry);
    case "service":
      return entry.service;
    case "trace":
      return entry.traceId;
    case "log":
      return entry.evidence?.origin ?? "";
    case "leaf":
      return entry.evidence?.logId ? entry.evidence.leafIndex : "";
    default:
  }
  const value = entry.stream === "spans" ? spanValue(entry, field) : recordValue(entry, field);
  return value ?? attributeOf(entry, column) ?? "";
}

function messageOf(entry: Entry): string {
  const title = titleOf(entry);
  if (entry.stream === "spans") return entry.span.statusMessage ? `${title} – ${entry.span.statusMessage}` : title;
  const outcome = entry.record.audit?.outcome;
  const shown = outcome && outcome !== "success" ? `${title} – ${outcome}` : title;
  const more = entry.record.audit?.description;
  return more ? `${shown} – ${more}` : shown;
}

function spanValue({ span }: Extract<Entry, { stream: "spans" }>, field: string): string | undefined {
  const values: Record<string, string> = {
    severity: "",
    body: span.name,
    span: span.spanId,
    parent: span.parentSpanId,
    name: span.name,
    kind: span.kind,
    status: span.statusCode,
    scope: span.scopeName,
    received: span.ingestedAt ?? "",
    timestamp: span.timestamp ?? "",
  };
  if (field === "duration") return shownDuration(BigInt(span.durationNanos));
  return ownOf(values, field);
}

function recordValue({ record }: Extract<Entry, { record: unknown }>, field: string): string | undefined {
  const { audit } = record;
  const values: Record<string, string | undefined> = {
    severity: severityOf(record.severityNumber),
    body: record.body,
    event: record.eventName,
    span: record.spanId,
    scope: record.scopeName,
    received: record.ingestedAt,
    timestamp: record.timestamp,
    actor: audit?.actorId,
    actor_name: audit?.actorName,
    effective_actor: audit?.effectiveActorId,
    action: audit?.action,
    target: audit?.targetId,
    source: audit?.sourceId,
    host: audit?.sourceHost,
    outcome: audit?.outcome,
    category: audit?.category,
    session: audit?.sessionId,
    rule: audit?.rule,
    record: audit?.recordId,
    description: audit?.description,
    actortype: audit?.actorType,
    targettype: audit?.targetType,
    sourcetype: audit?.sourceType,
    signature: record.producerSignature?.result,
  };
  return ownOf(values, field);
}

/** The value of an attribute, by its whole name or by its key alone, as in queries. */
function attributeOf(entry: Entry, column: string): string | undefined {
  const own = entry.stream === "spans" ? entry.span.attributes : entry.record.logAttributes;
  const { resourceAttributes, scopeAttributes } = entry.stream === "spans" ? entry.span : entry.record;
  const found = /^(Log|Span|Resource|Scope)Attributes\.(.+)$/s.exec(column);
  if (!found) return ownOf(own, column) ?? ownOf(resourceAttributes, column);
  const [, place, key = ""] = found;
  if (place === "Resource") return ownOf(resourceAttributes, key);
  if (place === "Scope") return ownOf(scopeAttributes, key);
  return (place === "Span") === (entry.stream === "spans") ? ownOf(own, key) : undefined;
}
