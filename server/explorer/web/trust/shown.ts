/** Comparison of what pages show of an entry with the record that was signed: they must say the same. */
import type { AuditEvent, LogRecord, Span } from "../api/types";
import type { Entry } from "../common/entry";
import { textOf } from "../common/time";
import type { Column, Pairs, Value } from "../proof/canonical";
import type { Json } from "../proof/json";
import { detailsOf, lossyText, sentTexts, type Texts } from "./sent_order";

type Columns = ReadonlyMap<string, Column>;
type Repeated = LogRecord["repeatedAttributes"];

const AUDIT: Record<keyof AuditEvent, string> = {
  recordId: "AuditRecordId",
  actorId: "ActorId",
  actorType: "ActorType",
  action: "Action",
  targetId: "TargetId",
  targetType: "TargetType",
  sourceId: "SourceId",
  sourceType: "SourceType",
  outcome: "Outcome",
  category: "Category",
  rule: "AuditRule",
  actorName: "ActorName",
  effectiveActorId: "EffectiveActorId",
  sessionId: "SessionId",
  sourceHost: "SourceHost",
  description: "Description",
};
const BOTH = {
  traceId: "TraceId",
  spanId: "SpanId",
  flags: "Flags",
  serviceName: "ServiceName",
  scopeName: "ScopeName",
  scopeVersion: "ScopeVersion",
  otlpDetails: "OtlpDetails",
  droppedAttributesCount: "DroppedAttributesCount",
  resourceSchemaUrl: "ResourceSchemaUrl",
  scopeSchemaUrl: "ScopeSchemaUrl",
} as const;
const RECORD = {
  ...BOTH,
  severityText: "SeverityText",
  severityNumber: "SeverityNumber",
  body: "Body",
  eventName: "EventName",
} as const;
const SPAN = {
  ...BOTH,
  durationNanos: "Duration",
  parentSpanId: "ParentSpanId",
  name: "SpanName",
  kind: "SpanKind",
  statusCode: "StatusCode",
  statusMessage: "StatusMessage",
  traceState: "TraceState",
  droppedEventsCount: "DroppedEventsCount",
  droppedLinksCount: "DroppedLinksCount",
} as const;
const SIGNATURE = ["result", "reason", "key", "algorithm", "form"] as const;

/**
 * The first field of an entry that says something else than its signed record; undefined if all say the same.
 *
 * @param entry an entry of an answer
 * @param columns the canonical record, decoded
 */
export function differenceIn(entry: Entry, columns: Columns): string | undefined {
  const difference =
    entry.stream === "spans"
      ? differenceInSpan(entry.span, columns)
      : differenceInRecord(entry.record, columns, entry.stream === "audit");
  // Lists show the time of the entry, which the answer has beside the record.
  return difference ?? (entry.nanos === happenedAt(columns) ? undefined : "the time of the entry");
}

/** Time of a record by the server's rule: its timestamp, or the time of its receipt if it was sent without one. */
function happenedAt(columns: Columns): Value | undefined {
  const timestamp = columns.get("Timestamp")?.value;
  return timestamp === 0n ? columns.get("IngestedAt")?.value : timestamp;
}

function differenceInRecord(record: LogRecord, columns: Columns, isAudit: boolean): string | undefined {
  const details = detailsOf(bytesIn(columns, "OtlpDetails"));
  return (
    differenceInFields(record, RECORD, columns) ??
    differenceInTimes(record, columns, ["timestamp", "ingestedAt"]) ??
    differenceInObserved(record, columns) ??
    differenceInAttributes(record, "log", record.logAttributes, details, columns) ??
    differenceInSignature(record, details) ??
    (isAudit
      ? differenceInFields(record.audit ?? {}, AUDIT, columns)
      : record.audit && "audit: the record is not an audit event")
  );
}

function differenceInSpan(span: Span, columns: Columns): string | undefined {
  const details = detailsOf(bytesIn(columns, "OtlpDetails"));
  return (
    differenceInFields(span, SPAN, columns) ??
    differenceInTimes(span, columns, ["timestamp", "ingestedAt"]) ??
    differenceInAttributes(span, "span", span.attributes, details, columns) ??
    differenceInEvents(span, details, columns) ??
    differenceInLinks(span, details, columns)
  );
}

function differenceInFields<T extends object>(
  shown: Partial<T>,
  fields: Partial<Record<keyof T & string, string>>,
  columns: Columns,
): string | undefined {
  for (const [field, column] of Object.entries(fields) as [keyof T & string, string][]) {
    const value = columns.get(column)?.value ?? ""; // a column that an old version does not have
    const signed = value instanceof Uint8Array ? lossyText(value) : String(value);
    const numeric = typeof value === "bigint" ? "0" : "";
    const text: unknown = shown[field] ?? numeric;
    // A list or an object may read as the same text, and is shown otherwise.
    if (typeof text === "object" || String(text) !== signed) return field;
  }
  return undefined;
}

function differenceInTimes<T extends Partial<Record<"timestamp" | "ingestedAt", string>>>(
  shown: T,
  columns: Columns,
  fields: readonly ("timestamp" | "ingestedAt")[],
): string | undefined {
  const names = { timestamp: "Timestamp", ingestedAt: "IngestedAt" };
  return fields.find((field) => !isTime(shown[field], columns.get(names[field])?.value));
}

function differenceInObserved({ observedTimestamp }: LogRecord, columns: Columns): string | undefined {
  const signed = columns.get("ObservedTimestamp")?.value;
  const isSame = observedTimestamp === undefined ? signed === 0n : isTime(observedTimestamp, signed);
  return isSame ? undefined : "observedTimestamp";
}

/** Return whether a text is the one of a signed time: another text of the same time may be shown as another one. */
function isTime(shown: string | undefined, signed: Value | undefined): boolean {
  return typeof signed === "bigint" && shown === textOf(signed);
}

function differenceInAttributes(
  shown: LogRecord | Span,
  place: "log" | "span",
  own: Record<string, string>,
  details: Json,
  columns: Columns,
): string | undefined {
  const ownPairs = pairsIn(columns, place === "span" ? "SpanAttributes" : "LogAttributes");
  const sent: [string, Texts, Record<string, string> | undefined][] = [
    [place, sentTexts(details, ownPairs, `${place}_order`), own],
    ["scope", sentTexts(details, pairsIn(columns, "ScopeAttributes"), "scope_order"), shown.scopeAttributes],
    [
      "resource",
      sentTexts(details, pairsIn(columns, "ResourceAttributes"), "resource_order"),
      shown.resourceAttributes,
    ],
  ];
  for (const [name, texts, attributes] of sent) if (!areCounting(attributes, texts)) return `${name} attributes`;
  const repeated = sent.flatMap(([name, texts]) => repeatedIn(name, texts));
  return areRepeated(shown.repeatedAttributes, repeated) ? undefined : "repeated attributes";
}

function differenceInEvents(span: Span, details: Json, columns: Columns): string | undefined {
  const times = listIn(columns, "Events.Timestamp");
  const names = listIn(columns, "Events.Name");
  const attributes = listIn(columns, "Events.Attributes");
  const shown = span.events ?? [];
  if (shown.length !== Math.min(times.length, names.length, attributes.length)) return "number of events";
  for (const [at, event] of shown.entries()) {
    const texts = sentTexts(details, attributes[at] as Pairs, "events", String(at), "attributes_order");
    const isSame =
      isTime(event.timestamp, times[at]) &&
      (event.name ?? "") === lossyText(names[at] as Uint8Array) &&
      areCounting(event.attributes, texts) &&
      areRepeated(event.repeatedAttributes, repeatedIn("event", texts));
    if (!isSame) return `event ${at + 1}`;
  }
  return undefined;
}

function differenceInLinks(span: Span, details: Json, columns: Columns): string | undefined {
  const [traces, spans, states, attributes] = ["TraceId", "SpanId", "TraceState", "Attributes"].map((name) =>
    listIn(columns, `Links.${name}`),
  ) as [readonly Value[], readonly Value[], readonly Value[], readonly Value[]];
  const shown = span.links ?? [];
  const count = Math.min(traces.length, spans.length, states.length, attributes.length);
  if (shown.length !== count) return "number of links";
  for (const [at, link] of shown.entries()) {
    const texts = sentTexts(details, attributes[at] as Pairs, "links", String(at), "attributes_order");
    const isSame =
      (link.traceId ?? "") === lossyText(traces[at] as Uint8Array) &&
      (link.spanId ?? "") === lossyText(spans[at] as Uint8Array) &&
      (link.traceState ?? "") === lossyText(states[at] as Uint8Array) &&
      areCounting(link.attributes, texts) &&
      areRepeated(link.repeatedAttributes, repeatedIn("link", texts));
    if (!isSame) return `link ${at + 1}`;
  }
  return undefined;
}

/** The result of checking a producer's signature is in OtlpDetails, and repeated in the answer. */
function differenceInSignature({ producerSignature }: LogRecord, details: Json): string | undefined {
  const found = details instanceof Map ? details.get("producer") : undefined;
  const stored = found instanceof Map ? found : new Map<string, Json>();
  const isResult = ["verified", "failed", "untrusted"].includes(String(stored.get("result")));
  if (!producerSignature) return isResult ? "producerSignature" : undefined;
  if (!isResult) return "producerSignature";
  const shown = producerSignature as Partial<Record<string, string>>;
  const isSame = SIGNATURE.every((name) => {
    const value = stored.get(name);
    return (shown[name] ?? "") === (typeof value === "string" ? value : "");
  });
  return isSame ? undefined : "producerSignature";
}

function areCounting(shown: Record<string, string> | undefined, texts: Texts): boolean {
  const attributes = Object.entries(shown ?? {});
  return attributes.length === texts.size && attributes.every(([key, value]) => texts.get(key)?.at(-1) === value);
}

function repeatedIn(place: string, texts: Texts): Repeated {
  return [...texts]
    .filter(([, values]) => values.length > 1)
    .map(([key, values]) => ({ place, key, values: [...values] }));
}

function areRepeated(shown: Repeated | undefined, signed: Repeated): boolean {
  const texts = (several: Repeated) =>
    several.map(({ place, key, values }) => JSON.stringify([place, key, values])).sort();
  return JSON.stringify(texts(shown ?? [])) === JSON.stringify(texts(signed));
}

const bytesIn = (columns: Columns, name: string) => (columns.get(name)?.value ?? new Uint8Array()) as Uint8Array;
const pairsIn = (columns: Columns, name: string) => (columns.get(name)?.value ?? []) as Pairs;
const listIn = (columns: Columns, name: string) => (columns.get(name)?.value ?? []) as readonly Value[];
