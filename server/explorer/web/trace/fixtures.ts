/** Entries for the tests of this folder. */
import type { LogRecord, Span } from "../api/types";
import { type Entry, entryOf } from "../common/entry";
import { textOf } from "../common/time";

/** Start of the traces: 2026-11-30T16:00:00Z, in nanoseconds since 1970. */
export const START = 1_796_054_400_000_000_000n;
export const NOW = START + 60_000_000_000n;
const MS = 1_000_000n;

let leaf = 0;

function evidence(log: string) {
  leaf += 1;
  return {
    state: "VERIFIED",
    reason: "",
    logId: log,
    origin: `test/${log}/node`,
    batchId: "b",
    leafIndex: String(leaf),
    treeSize: "1000",
    recordHash: leaf.toString(16).padStart(64, "0"),
    isExpected: false,
    canonicalRecord: "",
    inclusionPath: [] as string[],
    checkpoint: "",
  } as const;
}

interface SpanGiven {
  id: string;
  parent?: string;
  /** Milliseconds after START; or nanoseconds since 1970, as a bigint. */
  at?: number | bigint;
  took?: number;
  service?: string;
  name?: string;
  status?: string;
  details?: string;
  inLog?: boolean;
}

export function span(given: SpanGiven): Entry {
  const { id, parent = "", at = 0, took = 10, service = "shop", name = id, status = "Unset", details = "" } = given;
  const time = textOf(typeof at === "bigint" ? at : START + BigInt(at) * MS);
  const message: Partial<Span> = {
    timestamp: time,
    ingestedAt: textOf(NOW),
    durationNanos: String(BigInt(took) * MS),
    spanId: id,
    parentSpanId: parent,
    name,
    serviceName: service,
    statusCode: status,
    statusMessage: "",
    kind: "Server",
    traceId: "t",
    attributes: {},
    events: [],
    links: [],
    otlpDetails: details,
    evidence: given.inLog === false ? undefined : evidence("spans"),
  };
  return entryOf({ timestamp: time, span: message as Span });
}

interface RecordGiven {
  at?: number | bigint;
  span?: string;
  body?: string;
  service?: string;
  severity?: number;
  /** Makes it an audit event. */
  actor?: string;
  outcome?: string;
  attributes?: Record<string, string>;
  state?: "VERIFIED" | "SIGNED" | "UNSIGNED" | "TAMPERED";
}

export function record(given: RecordGiven): Entry {
  const { at = 0, body = "said", service = "shop", severity = 9, actor, outcome = "success", attributes = {} } = given;
  const time = textOf(typeof at === "bigint" ? at : START + BigInt(at) * MS);
  const message = {
    timestamp: time,
    ingestedAt: textOf(NOW),
    spanId: given.span ?? "",
    traceId: "t",
    body,
    eventName: "",
    serviceName: service,
    severityNumber: severity,
    severityText: "",
    logAttributes: attributes,
    otlpDetails: "",
    audit: actor
      ? { actorId: actor, actorName: "", action: "role.grant", outcome, targetId: "", targetType: "" }
      : undefined,
    evidence: { ...evidence(actor ? "audit" : "logs"), state: given.state ?? "VERIFIED" },
  } as unknown as LogRecord;
  return entryOf(actor ? { timestamp: time, auditEvent: message } : { timestamp: time, log: message });
}
