/** Short names for the messages of the API, which `schema.d.ts` has from the OpenAPI document. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type ActorTimeline = Schemas["ActorTimelineResponse"];
export type AuditEvent = Schemas["AuditEvent"];
export type AuditOverview = Schemas["AuditOverview"];
export type Checkpoint = Schemas["GetCheckpointResponse"];
export type ConsistencyProof = Schemas["GetConsistencyProofResponse"];
export type Evidence = Schemas["Evidence"];
export type Facets = Schemas["FacetsResponse"];
export type FieldNames = Schemas["FieldNamesResponse"];
export type Finding = Schemas["Finding"];
export type FoundTraces = Schemas["FindTracesResponse"];
export type Gap = Schemas["Gap"];
export type Gaps = Schemas["ListGapsResponse"];
export type Histogram = Schemas["HistogramResponse"];
export type Hold = Schemas["Hold"];
export type Holds = Schemas["ListHoldsResponse"];
export type InclusionProof = Schemas["GetInclusionProofResponse"];
export type Log = Schemas["Log"];
export type Logs = Schemas["ListLogsResponse"];
export type LogRecord = Schemas["Record"];
export type Neighbours = Schemas["NeighboursResponse"];
export type Receipt = Schemas["Receipt"];
export type Retention = Schemas["GetRetentionResponse"];
export type SearchAnswer = Schemas["SearchResponse"];
export type Span = Schemas["Span"];
export type Statement = Schemas["Statement"];
export type Statements = Schemas["ListStatementsResponse"];
export type Status = Schemas["GetStatusResponse"];
export type TailAnswer = Schemas["TailResponse"];
export type TargetHistory = Schemas["TargetHistoryResponse"];
export type TimelineEntry = Schemas["TimelineEntry"];
export type Tenants = Schemas["ListTenantsResponse"];
export type Tenant = Schemas["Tenant"];
export type Trace = Schemas["GetTraceResponse"];
export type TraceSummary = Schemas["TraceSummary"];
export type ValueSummary = Schemas["ValueSummary"];
export type VerifyExpired = Schemas["VerifyExpired"];
export type VerifyStep = Schemas["VerifyResponse"];
export type VerifySummary = Schemas["VerifySummary"];

/** Answer of GET /login/whoami. */
export interface WhoAmI {
  name: string;
  kind: string;
  roles: { role: string; tenants?: string[]; services?: string[]; environments?: string[] }[];
}
