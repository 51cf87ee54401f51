/** Columns of canonical records, by version, in their order (docs/evidence.md, versions of the canonical record). */
import { malformed } from "./errors";

export type Stream = "audit" | "operational" | "spans";

/** Types of columns: a text, a map, a time, an unsigned number of some bytes; or an array of one of these. */
export type Kind = "text" | "map" | "time" | "1" | "4" | "8" | "text[]" | "map[]" | "time[]";

const EVERY: Record<number, string> = {
  1: `Timestamp:time TraceId SpanId TraceFlags:1 SeverityText SeverityNumber:1 ServiceName Body ResourceSchemaUrl
    ResourceAttributes:map ScopeSchemaUrl ScopeName ScopeVersion ScopeAttributes:map LogAttributes:map EventName
    ObservedTimestamp:time Flags:4 DroppedAttributesCount:4 OtlpDetails IngestedAt:time`,
  2: `Tenant Sender ServiceName ResourceSchemaUrl ResourceAttributes:map ScopeSchemaUrl ScopeName ScopeVersion
    ScopeAttributes:map Timestamp:time TraceId SpanId TraceFlags:1 SeverityText SeverityNumber:1 Body
    LogAttributes:map EventName ObservedTimestamp:time Flags:4 DroppedAttributesCount:4 OtlpDetails
    IngestedAt:time Redactions`,
};
const AUDIT: Record<number, string> = {
  1: `AuditRecordId ActorId ActorType Action TargetId TargetType SourceId SourceType Outcome Category AuditRule`,
  2: `AuditRecordId ActorId ActorName ActorType EffectiveActorId SessionId Action TargetId TargetType SourceId
    SourceType SourceHost Outcome Category AuditRule Description`,
};
const SPANS: Record<number, string> = {
  2: `Tenant Sender ServiceName ResourceSchemaUrl ResourceAttributes:map ScopeSchemaUrl ScopeName ScopeVersion
    ScopeAttributes:map Timestamp:time TraceId SpanId ParentSpanId TraceState SpanName SpanKind SpanAttributes:map
    Duration:8 StatusCode StatusMessage Events.Timestamp:time[] Events.Name:text[] Events.Attributes:map[]
    Links.TraceId:text[] Links.SpanId:text[] Links.TraceState:text[] Links.Attributes:map[] Flags:4
    DroppedAttributesCount:4 DroppedEventsCount:4 DroppedLinksCount:4 OtlpDetails IngestedAt:time Redactions`,
};

/** Versions of the canonical record. */
export const VERSIONS = [1, 2] as const;

/**
 * The stream of a log, which its origin names: `<deployment>/[<tenant>/]<stream>/<writer>`. An access log has audit
 * records, of who looked. Throws VerificationError for other origins.
 */
export function streamOf(origin: string): Stream {
  const word = origin.split("/").slice(-2)[0];
  if (word === "access" || word === "audit") return "audit";
  if (word === "operational" || word === "spans") return word;
  throw malformed(`the name of the log ${origin} does not say which columns its records have`);
}

/** Name and type of each column of the records of a stream. Throws VerificationError if it has no such version. */
export function columnsOf(stream: Stream, version: number): [string, Kind][] {
  const names = stream === "spans" ? SPANS[version] : EVERY[version];
  if (names === undefined) throw malformed(`no record of ${stream} has version ${version} of the canonical record`);
  const audit = stream === "audit" ? (AUDIT[version] ?? "") : "";
  return `${names} ${audit}`
    .trim()
    .split(/\s+/)
    .map((column) => {
      const [name = "", kind = "text"] = column.split(":");
      return [name, kind as Kind];
    });
}
