/** All fields of an entry, by the names that they have in the query language. */
import type { AuditEvent, LogRecord, Span } from "../api/types";
import { type Entry, severityOf } from "./entry";
import { memberAt, memberMap, typeName, typesIn } from "./value_types";

/** A field of a record. */
export interface Field {
  /** Name in the query language; of parts of spans that no query reaches, a name like these. */
  readonly name: string;
  /** Type for people, such as string or int. */
  readonly type: string;
  /** Its values as text, in the order in which they were sent: several for a repeated attribute, whose last counts. */
  readonly values: readonly string[];
  /** True if a query finds records by this field and its value. */
  readonly isSearchable: boolean;
}

const LONG = 300; // characters

/**
 * Return whether the value of a field needs the whole width: it is long, or over several lines, as a stack trace is.
 */
export const isBlock = ({ values }: Field): boolean =>
  values.some((value) => value.length > LONG || value.trimEnd().includes("\n"));

/** Fields that belong together. */
export interface FieldGroup {
  readonly title: string;
  /** The series that it is one group of: groups of one series follow each other, and pages show a part of them. */
  readonly series?: "events" | "links";
  readonly fields: readonly Field[];
}

/** A field of one value; its type is string unless it is given. */
type Row = readonly [name: string, value: string | number | undefined, type?: string];

/** All fields of an entry that have a value, in groups. */
export function fieldGroupsOf(entry: Entry): FieldGroup[] {
  const groups =
    entry.stream === "spans"
      ? [...groupsOfSpan(entry.span), ...sharedGroups(entry.span)]
      : [...groupsOfRecord(entry.record), ...sharedGroups(entry.record)];
  return [...groups, evidenceGroup(entry)].filter(({ fields }) => fields.length > 0);
}

/** Groups that follow each other and are of one series, or of none. */
interface Run {
  readonly series: FieldGroup["series"];
  readonly run: readonly FieldGroup[];
}

/** Split groups into runs of one series. */
export function runsOf(groups: readonly FieldGroup[]): Run[] {
  const runs: { series: FieldGroup["series"]; run: FieldGroup[] }[] = [];
  for (const group of groups) {
    const last = runs.at(-1);
    if (last && last.series === group.series) last.run.push(group);
    else runs.push({ series: group.series, run: [group] });
  }
  return runs;
}

/** Commitments that the server has made in an entry; others were written by its sender. */
export function commitmentsOf(entry: Entry): ReadonlySet<string> {
  const { otlpDetails } = entry.stream === "spans" ? entry.span : entry.record;
  const listed = memberAt(otlpDetails, "commitments") ?? "";
  return new Set(listed.match(/[0-9a-f]{64}/g));
}

function groupsOfRecord(record: LogRecord): FieldGroup[] {
  const severity = severityOf(record.severityNumber);
  return [
    ...(record.audit ? [group("Audit event", auditRows(record.audit))] : []),
    group("Record", [
      ["body", record.body, bodyType(record.otlpDetails)],
      ["event", record.eventName],
      ["service", record.serviceName],
      ["severity", record.severityNumber && `${record.severityNumber}`, severity ? `int: ${severity}` : "int"],
      ["SeverityText", record.severityText],
      ["timestamp", record.timestamp, "time"],
      ["ObservedTimestamp", record.observedTimestamp, "time"],
      ["received", record.ingestedAt, "time"],
      ["trace", record.traceId],
      ["span", record.spanId],
      ["Flags", record.flags || "", "int"],
    ]),
    attributes("Attributes", "LogAttributes", record.logAttributes, record, "log"),
    group("Producer's signature", [
      ["signature", record.producerSignature?.result],
      ["reason", record.producerSignature?.reason],
      ["key", record.producerSignature?.key],
      ["algorithm", record.producerSignature?.algorithm],
      ["form", record.producerSignature?.form],
    ]),
  ];
}

function auditRows(audit: AuditEvent): Row[] {
  return [
    ["actor", audit.actorId],
    ["actor_name", audit.actorName],
    ["ActorType", audit.actorType],
    ["effective_actor", audit.effectiveActorId],
    ["session", audit.sessionId],
    ["action", audit.action],
    ["outcome", audit.outcome],
    ["target", audit.targetId],
    ["TargetType", audit.targetType],
    ["source", audit.sourceId],
    ["SourceType", audit.sourceType],
    ["host", audit.sourceHost],
    ["category", audit.category],
    ["description", audit.description],
    ["rule", audit.rule],
    ["record", audit.recordId],
  ];
}

function groupsOfSpan(span: Span): FieldGroup[] {
  // Each is read once: a span may have tens of thousands of events, each with types in the same text.
  const details = memberMap(span.otlpDetails);
  const typesOfEvents = memberMap(details.get("events"));
  const typesOfLinks = memberMap(details.get("links"));
  return [
    group("Span", [
      ["name", span.name],
      ["kind", span.kind],
      ["service", span.serviceName],
      ["status", span.statusCode],
      ["StatusMessage", span.statusMessage],
      ["timestamp", span.timestamp, "time"],
      ["duration", span.durationNanos, "int: nanoseconds"],
      ["received", span.ingestedAt, "time"],
      ["trace", span.traceId],
      ["span", span.spanId],
      ["parent", span.parentSpanId],
      ["TraceState", span.traceState],
      ["Flags", span.flags || "", "int"],
      ["DroppedEventsCount", span.droppedEventsCount || "", "int"],
      ["DroppedLinksCount", span.droppedLinksCount || "", "int"],
    ]),
    attributes("Attributes", "SpanAttributes", span.attributes, span, "span"),
    ...span.events.map((event, at) => {
      const title = `Event ${at + 1} of ${span.events.length}`;
      const types = typesIn(memberAt(typesOfEvents.get(`${at}`) ?? "", "attributes"));
      const rows = group(title, [
        ["Events.Name", event.name],
        ["Events.Timestamp", event.timestamp, "time"],
      ]);
      const others = attributes(title, "Events.Attributes", event.attributes, event, "event", types);
      return inSeries("events", title, rows, others);
    }),
    ...span.links.map((link, at) => {
      const title = `Link ${at + 1} of ${span.links.length}`;
      const types = typesIn(memberAt(typesOfLinks.get(`${at}`) ?? "", "attributes"));
      const rows = group(title, [
        ["Links.TraceId", link.traceId],
        ["Links.SpanId", link.spanId],
        ["Links.TraceState", link.traceState],
      ]);
      const others = attributes(title, "Links.Attributes", link.attributes, link, "link", types);
      return inSeries("links", title, rows, others);
    }),
  ];
}

function sharedGroups(record: LogRecord | Span): FieldGroup[] {
  return [
    attributes("Resource attributes", "ResourceAttributes", record.resourceAttributes, record, "resource"),
    attributes("Scope attributes", "ScopeAttributes", record.scopeAttributes, record, "scope"),
    group("Scope, schema, details", [
      ["scope", record.scopeName],
      ["ScopeVersion", record.scopeVersion],
      ["ScopeSchemaUrl", record.scopeSchemaUrl],
      ["ResourceSchemaUrl", record.resourceSchemaUrl],
      ["DroppedAttributesCount", record.droppedAttributesCount || "", "int"],
      ["OtlpDetails", record.otlpDetails, "JSON"],
    ]),
  ];
}

function evidenceGroup({ evidence }: Entry): FieldGroup {
  return group("Evidence", [
    ["log", evidence?.origin || evidence?.logId],
    ["leaf", evidence?.logId ? evidence.leafIndex : "", "int"],
    ["BatchId", evidence?.batchId, "string: not signed, the server's word"],
    ["SHA-256 of the record", evidence?.recordHash, "hexadecimal"],
  ]);
}

// Names that are not fields of queries.
const NOT_SEARCHABLE = /^(Events|Links)\.|^(reason|key|algorithm|form|BatchId|SHA-256 of the record)$/;

function group(title: string, rows: readonly Row[]): FieldGroup {
  const fields = rows.flatMap(([name, value, type = "string"]) =>
    value === undefined || value === ""
      ? []
      : [{ name, type, values: [String(value)], isSearchable: !NOT_SEARCHABLE.test(name) }],
  );
  return { title, fields };
}

/** The fields of attributes; types are by their keys, those of strings left out. */
function attributes(
  title: string,
  column: string,
  values: Record<string, string>,
  owner: Pick<LogRecord, "repeatedAttributes"> & { otlpDetails?: string },
  place: string,
  types: Map<string, string> = typesIn(memberAt(owner.otlpDetails ?? "", place)),
): FieldGroup {
  const repeated = new Map(
    owner.repeatedAttributes.filter((each) => each.place === place).map(({ key, values }) => [key, values]),
  );
  const fields = Object.entries(values).map(([key, value]) => ({
    name: `${column}.${key}`,
    type: types.get(key) ?? "string",
    values: repeated.get(key) ?? [value],
    isSearchable: !NOT_SEARCHABLE.test(`${column}.`),
  }));
  return { title, fields: fields.sort((one, other) => (one.name < other.name ? -1 : 1)) };
}

const inSeries = (series: "events" | "links", title: string, ...groups: readonly FieldGroup[]): FieldGroup => ({
  title,
  series,
  fields: groups.flatMap(({ fields }) => fields),
});

function bodyType(details: string): string {
  const type = memberAt(details, "body");
  return type === undefined ? "string" : typeName(type);
}
