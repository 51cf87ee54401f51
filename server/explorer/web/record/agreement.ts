/** Comparison of a record as the API sends it with its canonical record, column by column. */
import type { LogRecord, Span } from "../api/types";
import type { Column, Pairs } from "../proof/canonical";
import type { ReadRecord } from "../proof/readable";
import type { Entry } from "../shared/entry";
import { nanosOf } from "../shared/time";

/** A column in which the two differ, with both values as text. */
export interface Disagreement {
  readonly column: string;
  readonly canonical: string;
  readonly shown: string;
}

type Shown = string | number | readonly string[] | Pair[] | undefined;
type Pair = readonly [string, string];

/**
 * The columns in which an entry says something else than its canonical record. Columns that entries do not have, such as
 * the tenant, are not compared; texts that are not UTF-8 are compared as the API shows them.
 */
export function disagreementsOf(entry: Entry, { columns }: ReadRecord): Disagreement[] {
  const shown = entry.stream === "spans" ? valuesOfSpan(entry.span) : valuesOfRecord(entry.record);
  const found: Disagreement[] = [];
  for (const [name, value] of Object.entries(shown)) {
    const column = columns.get(name);
    // A column that this version of the canonical record does not have has to be empty.
    const [canonical, said] = [column ? canonicalText(column) : emptyLike(value), shownText(value)];
    if (canonical !== said) found.push({ column: name, canonical, shown: said });
  }
  return found;
}

function valuesOfRecord(record: LogRecord): Record<string, Shown> {
  const { audit } = record;
  return {
    ...sharedValues(record),
    ObservedTimestamp: nanos(record.observedTimestamp),
    SeverityText: record.severityText,
    SeverityNumber: record.severityNumber,
    Body: record.body,
    LogAttributes: pairsOf(record.logAttributes, record, "log"),
    EventName: record.eventName,
    ...(audit && {
      AuditRecordId: audit.recordId,
      ActorId: audit.actorId,
      ActorName: audit.actorName,
      ActorType: audit.actorType,
      EffectiveActorId: audit.effectiveActorId,
      SessionId: audit.sessionId,
      Action: audit.action,
      TargetId: audit.targetId,
      TargetType: audit.targetType,
      SourceId: audit.sourceId,
      SourceType: audit.sourceType,
      SourceHost: audit.sourceHost,
      Outcome: audit.outcome,
      Category: audit.category,
      AuditRule: audit.rule,
      Description: audit.description,
    }),
  };
}

function valuesOfSpan(span: Span): Record<string, Shown> {
  return {
    ...sharedValues(span),
    ParentSpanId: span.parentSpanId,
    TraceState: span.traceState,
    SpanName: span.name,
    SpanKind: span.kind,
    SpanAttributes: pairsOf(span.attributes, span, "span"),
    Duration: span.durationNanos,
    StatusCode: span.statusCode,
    StatusMessage: span.statusMessage,
    "Events.Timestamp": span.events.map(({ timestamp }) => nanos(timestamp)),
    "Events.Name": span.events.map(({ name }) => name),
    "Events.Attributes": span.events.map((event) => shownText(pairsOf(event.attributes, event, "event"))),
    "Links.TraceId": span.links.map(({ traceId }) => traceId),
    "Links.SpanId": span.links.map(({ spanId }) => spanId),
    "Links.TraceState": span.links.map(({ traceState }) => traceState),
    "Links.Attributes": span.links.map((link) => shownText(pairsOf(link.attributes, link, "link"))),
    DroppedEventsCount: span.droppedEventsCount,
    DroppedLinksCount: span.droppedLinksCount,
  };
}

function sharedValues(record: LogRecord | Span): Record<string, Shown> {
  return {
    ServiceName: record.serviceName,
    ResourceSchemaUrl: record.resourceSchemaUrl,
    ResourceAttributes: pairsOf(record.resourceAttributes, record, "resource"),
    ScopeSchemaUrl: record.scopeSchemaUrl,
    ScopeName: record.scopeName,
    ScopeVersion: record.scopeVersion,
    ScopeAttributes: pairsOf(record.scopeAttributes, record, "scope"),
    Timestamp: nanos(record.timestamp),
    TraceId: record.traceId,
    SpanId: record.spanId,
    Flags: record.flags,
    DroppedAttributesCount: record.droppedAttributesCount,
    OtlpDetails: record.otlpDetails,
    IngestedAt: nanos(record.ingestedAt),
  };
}

const nanos = (time: string | undefined): string => String(time === undefined ? 0n : nanosOf(time));

/** All pairs of a map: those of a repeated key with each of its values. */
function pairsOf(
  values: Record<string, string>,
  { repeatedAttributes }: Pick<LogRecord, "repeatedAttributes">,
  place: string,
): Pair[] {
  const repeated = new Map(
    repeatedAttributes.filter((each) => each.place === place).map((each) => [each.key, each.values]),
  );
  return Object.entries(values).flatMap(([key, value]): Pair[] => {
    const all = repeated.get(key);
    // The value that is shown has to be one of them: the last that was sent.
    if (!all || all.at(-1) !== value) return [[key, value]];
    return all.map((each) => [key, each]);
  });
}

function shownText(value: Shown): string {
  if (!Array.isArray(value)) return String(value ?? "");
  return Array.isArray(value[0]) ? pairsText(value as Pair[]) : JSON.stringify(value);
}

function emptyLike(value: Shown): string {
  return Array.isArray(value) ? "[]" : typeof value === "number" ? "0" : "";
}

function canonicalText({ kind, value }: Column): string {
  if (kind === "text") return textOf(value as Uint8Array);
  if (kind === "map") return mapText(value as Pairs);
  if (kind === "text[]") return JSON.stringify((value as Uint8Array[]).map(textOf));
  if (kind === "map[]") return JSON.stringify((value as Pairs[]).map(mapText));
  if (kind === "time[]") return JSON.stringify((value as bigint[]).map(String));
  return String(value);
}

const mapText = (pairs: Pairs): string => pairsText(pairs.map(([key, value]) => [textOf(key), textOf(value)]));

/** Pairs in an order of their own, since that of maps has no meaning. */
function pairsText(pairs: readonly Pair[]): string {
  return JSON.stringify(pairs.map((pair) => JSON.stringify(pair)).sort());
}

/** As the API shows texts: what is not UTF-8 is U+FFFD. */
const textOf = (bytes: Uint8Array): string => new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
