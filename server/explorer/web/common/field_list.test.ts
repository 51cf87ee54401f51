import assert from "node:assert/strict";
import test from "node:test";
import type { AuditEvent, Evidence, LogRecord, Span, TimelineEntry } from "../api/types";
import { entryOf } from "./entry";
import { commitmentsOf, type Field, fieldGroupsOf, isBlock, runsOf } from "./field_list";

const AUDIT: AuditEvent = {
  recordId: "r1",
  actorId: "alice",
  actorName: "",
  actorType: "user",
  effectiveActorId: "",
  sessionId: "",
  action: "role.grant",
  targetId: "bob",
  targetType: "user",
  sourceId: "",
  sourceType: "",
  sourceHost: "",
  outcome: "success",
  category: "admin",
  rule: "otel-audit",
  description: "",
};

const EVIDENCE: Evidence = {
  state: "VERIFIED",
  reason: "",
  logId: "bcea4a319e0565cf",
  origin: "lognotary/audit/a",
  batchId: "ffe67153-1cda-8a7a-9c95-4ee646d2cc86",
  leafIndex: "390",
  treeSize: "400",
  recordHash: "00fd",
  isExpected: false,
  canonicalRecord: "",
  inclusionPath: [],
  checkpoint: "",
};

function record(changes: Partial<LogRecord>): LogRecord {
  return {
    timestamp: "2026-11-30T18:15:32.314615927Z",
    traceId: "",
    spanId: "",
    flags: 0,
    severityText: "INFO",
    severityNumber: 9,
    serviceName: "accounts",
    body: "granted",
    eventName: "",
    scopeName: "",
    scopeVersion: "",
    resourceAttributes: { "service.name": "accounts" },
    scopeAttributes: {},
    logAttributes: { "role.new": "manager" },
    otlpDetails: "",
    droppedAttributesCount: 0,
    resourceSchemaUrl: "",
    scopeSchemaUrl: "",
    repeatedAttributes: [],
    evidence: EVIDENCE,
    ...changes,
  };
}

const entryWith = (changes: Partial<LogRecord>) => {
  const made = record(changes);
  return entryOf({
    timestamp: made.timestamp,
    ...(made.audit ? { auditEvent: made } : { log: made }),
  } as TimelineEntry);
};

function fieldsOf(groups: ReturnType<typeof fieldGroupsOf>): Map<string, Field> {
  return new Map(groups.flatMap(({ fields }) => fields.map((field) => [field.name, field])));
}

test("an audit event has its columns by the names of the query language, and no empty fields", () => {
  const groups = fieldGroupsOf(entryWith({ audit: AUDIT }));
  assert.deepEqual(
    groups.map(({ title }) => title),
    ["Audit event", "Record", "Attributes", "Resource attributes", "Evidence"],
  );
  assert.deepEqual(
    groups[0]?.fields.map(({ name, values }) => [name, ...values]),
    [
      ["actor", "alice"],
      ["ActorType", "user"],
      ["action", "role.grant"],
      ["outcome", "success"],
      ["target", "bob"],
      ["TargetType", "user"],
      ["category", "admin"],
      ["rule", "otel-audit"],
      ["record", "r1"],
    ],
  );
});

test("types of values that were not strings come from the details", () => {
  const fields = fieldsOf(
    fieldGroupsOf(
      entryWith({
        logAttributes: { retries: "3", name: "x" },
        resourceAttributes: { port: "80" },
        otlpDetails: '{"body":{"a":"int"},"log":{"retries":"int"},"resource":{"port":"double"}}',
      }),
    ),
  );
  assert.equal(fields.get("LogAttributes.retries")?.type, "int");
  assert.equal(fields.get("LogAttributes.name")?.type, "string");
  assert.equal(fields.get("ResourceAttributes.port")?.type, "double");
  assert.equal(fields.get("body")?.type, "map");
});

test("a repeated attribute has all its values, in the order in which they were sent", () => {
  const fields = fieldsOf(
    fieldGroupsOf(
      entryWith({
        logAttributes: { k: "z" },
        resourceAttributes: { k: "only" },
        repeatedAttributes: [{ place: "log", key: "k", values: ["b", "a", "z"] }],
      }),
    ),
  );
  assert.deepEqual(fields.get("LogAttributes.k")?.values, ["b", "a", "z"]);
  assert.deepEqual(fields.get("ResourceAttributes.k")?.values, ["only"]);
});

const SPAN: Span = {
  timestamp: "2026-11-30T18:15:32Z",
  durationNanos: "1000",
  spanId: "01",
  parentSpanId: "",
  name: "GET",
  kind: "Server",
  serviceName: "shop",
  statusCode: "Error",
  statusMessage: "",
  attributes: {},
  traceId: "02",
  traceState: "",
  flags: 0,
  scopeName: "",
  scopeVersion: "",
  resourceAttributes: {},
  scopeAttributes: {},
  resourceSchemaUrl: "",
  scopeSchemaUrl: "",
  events: [
    { name: "first", attributes: {}, repeatedAttributes: [] },
    {
      name: "exception",
      attributes: { "exception.code": "7" },
      repeatedAttributes: [{ place: "event", key: "exception.code", values: ["6", "7"] }],
    },
  ],
  links: [{ traceId: "03", spanId: "04", traceState: "", attributes: { kind: "child" }, repeatedAttributes: [] }],
  droppedAttributesCount: 0,
  droppedEventsCount: 1,
  droppedLinksCount: 0,
  otlpDetails: '{"events":{"1":{"attributes":{"exception.code":"int"}}}}',
  repeatedAttributes: [],
};

const spanWith = (changes: Partial<Span>) =>
  entryOf({ timestamp: SPAN.timestamp, span: { ...SPAN, ...changes } } as TimelineEntry);

test("events and links of a span are groups of their own, which queries do not reach", () => {
  const groups = fieldGroupsOf(spanWith({}));
  const second = groups.find(({ title }) => title === "Event 2 of 2");
  assert.deepEqual(second?.fields, [
    { name: "Events.Name", type: "string", values: ["exception"], isSearchable: false },
    { name: "Events.Attributes.exception.code", type: "int", values: ["6", "7"], isSearchable: false },
  ]);
  const link = groups.find(({ title }) => title === "Link 1 of 1");
  assert.deepEqual(
    link?.fields.map(({ name }) => name),
    ["Links.TraceId", "Links.SpanId", "Links.Attributes.kind"],
  );
  assert.equal(fieldsOf(groups).get("DroppedEventsCount")?.values[0], "1");
});

test("commitments are those that the details list", () => {
  const digits = "0f".repeat(32);
  assert.deepEqual(
    [...commitmentsOf(entryWith({ otlpDetails: `{"commitments":["${digits}"],"rules":"${digits}"}` }))],
    [digits],
  );
  assert.equal(commitmentsOf(entryWith({})).size, 0);
});

// If each event had the details read again, this would take minutes.
test("a span of tens of thousands of events has a group for each, with its types", { timeout: 60_000 }, () => {
  const count = 30_000;
  const types = Object.fromEntries(Array.from({ length: count }, (_, at) => [at, { attributes: { k: "int" } }]));
  const event = { name: "e", timestamp: SPAN.timestamp, attributes: { k: "1" }, repeatedAttributes: [] };
  const link = { traceId: "03", spanId: "04", traceState: "", attributes: { k: "1" }, repeatedAttributes: [] };
  const groups = fieldGroupsOf(
    spanWith({
      events: Array.from({ length: count }, () => event),
      links: Array.from({ length: count }, () => link),
      otlpDetails: JSON.stringify({ events: types, links: types }),
    }),
  );
  const runs = runsOf(groups);
  assert.deepEqual(
    runs.map(({ series, run }) => [series, run.length]),
    [
      [undefined, 1],
      ["events", count],
      ["links", count],
      [undefined, 1],
    ],
  );
  for (const { run } of runs.slice(1, 3)) {
    assert.equal(run.at(-1)?.fields.find(({ name }) => name.endsWith(".k"))?.type, "int");
  }
});

test("values over several lines, and long ones, need the whole width", () => {
  const field = (...values: string[]): Field => ({ name: "body", type: "string", values, isSearchable: true });
  assert.equal(isBlock(field("Traceback:\n  File", "short")), true);
  assert.equal(isBlock(field("x".repeat(301))), true);
  assert.equal(isBlock(field("one line\n")), false);
  assert.equal(isBlock(field()), false);
});

test("the batch, which is not signed, is shown as the server's word", () => {
  const type = fieldsOf(fieldGroupsOf(entryWith({}))).get("BatchId")?.type;
  assert.match(type ?? "", /not signed, the server's word/);
});
