/** Entries of answers, whichever stream they are from. */
import type { AuditEvent, Evidence, LogRecord, Span, TimelineEntry } from "../api/types";
import { beginningOf } from "./text";
import { nanosOf } from "./time";

export type Stream = "audit" | "operational" | "spans";

/** An entry of an answer. */
export type Entry = {
  /** Identity: log#leaf#hash, or something unique for a row that is in no log. */
  readonly key: string;
  readonly nanos: bigint;
  readonly service: string;
  readonly traceId: string;
  readonly evidence: Evidence | undefined;
  /** True if the page has this signed record already (common/distinct.ts). */
  readonly isRepeated?: boolean;
} & (
  | { readonly stream: "audit" | "operational"; readonly record: LogRecord }
  | { readonly stream: "spans"; readonly span: Span }
);

let unnamed = 0;

/** The entry of a message of the API. */
export function entryOf(message: TimelineEntry): Entry {
  const nanos = nanosOf(message.timestamp ?? "1970-01-01T00:00:00Z");
  if (message.span) {
    const { span } = message;
    const { serviceName: service, traceId, evidence } = span;
    return {
      key: keyOf(evidence, `span ${traceId} ${span.spanId}`),
      nanos,
      service,
      traceId,
      evidence,
      stream: "spans",
      span,
    };
  }
  const record = message.auditEvent ?? message.log;
  if (!record) throw new TypeError("an entry of the answer has neither a record nor a span");
  const { serviceName: service, traceId, evidence } = record;
  const stream = message.auditEvent ? "audit" : "operational";
  return { key: keyOf(evidence, stream), nanos, service, traceId, evidence, stream, record };
}

/** An audit event as an entry, as in answers that only have these. */
export function auditEntryOf(record: LogRecord): Entry {
  const { timestamp, ingestedAt } = record;
  const hasTime = timestamp !== undefined && nanosOf(timestamp) !== 0n; // as the server's own entries: else its receipt
  return entryOf({ timestamp: hasTime ? timestamp : ingestedAt, auditEvent: record } as TimelineEntry);
}

/** Identity of an entry in the address of its trace; undefined for one that is in no log. */
export function placeInTrace({ evidence }: Pick<Entry, "evidence">): string | undefined {
  // Somebody may have inserted a row that claims another one's leaf: only the hash tells them apart.
  return evidence?.logId ? `${evidence.logId}.${evidence.leafIndex}.${evidence.recordHash.slice(0, 8)}` : undefined;
}

function keyOf(evidence: Evidence | undefined, otherwise: string): string {
  // Somebody may have inserted a row that claims another one's leaf: only the whole hash tells them apart.
  if (evidence?.logId) return `${evidence.logId}#${evidence.leafIndex}#${evidence.recordHash}`;
  unnamed += 1;
  return `${otherwise} ${unnamed}`;
}

/**
 * Return whether an entry is in no log and need not be: a span that a Collector wrote to storage itself, or a record of
 * a stream that the server does not sign. Audit events are always signed, whatever an answer says.
 */
export function mayBeUnsigned({ stream, evidence }: Pick<Entry, "stream" | "evidence">): boolean {
  if (!evidence) return stream === "spans";
  return stream !== "audit" && evidence.state === "UNSIGNED" && evidence.isExpected;
}

/** Name of the severity of a number from 1 to 24 (OTLP): TRACE to FATAL; empty for none. */
export function severityOf(number: number): string {
  if (number < 1 || number > 24) return "";
  return ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"][Math.floor((number - 1) / 4)] ?? "";
}

/** Return whether an entry is an error, as the server counts them: by severity, outcome, or the status of a span. */
export function isError(entry: Entry): boolean {
  if (entry.stream === "spans") return /error/i.test(entry.span.statusCode);
  return entry.record.severityNumber >= 17 || entry.record.audit?.outcome === "failure";
}

/** An actor: the ID, which what was signed is about, and never only the name that the sender gave beside it. */
export function actorText({ actorId, actorName }: Pick<AuditEvent, "actorId" | "actorName">): string {
  if (!actorId) return actorName ? `(no ID: ${actorName})` : "somebody";
  return actorName && actorName !== actorId ? `${actorId} (${beginningOf(actorName, 60)})` : actorId;
}

/** One line that says what an entry is about. */
export function titleOf(entry: Entry): string {
  if (entry.stream === "spans") return entry.span.name;
  const { audit, body } = entry.record;
  if (!audit) return body || entry.record.eventName;
  const target = audit.targetId ? ` on ${[audit.targetType, audit.targetId].filter(Boolean).join(" ")}` : "";
  return `${actorText(audit)} ${audit.action || entry.record.eventName}${target}`;
}
