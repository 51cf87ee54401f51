/** Rows of the list of events: events, with a heading before the events of a session. */
import type { AuditOverview, ValueSummary } from "../api/types";
import type { Entry } from "../common/entry";

export type Row =
  | { readonly kind: "event"; readonly key: string; readonly entry: Entry }
  | {
      readonly kind: "session";
      readonly key: string;
      /** ID of the session; empty for events without one. */
      readonly session: string;
      /** The session as the overview has it, if it does. */
      readonly summary: ValueSummary | undefined;
    };

/** ID of the session of an event; empty if it has none. */
const sessionOf = (entry: Entry): string => (entry.stream === "spans" ? "" : (entry.record.audit?.sessionId ?? ""));

/**
 * The rows for events in their order. Grouped, a heading precedes each run of events of one session; there is none if
 * no event has a session. Sessions that overlap have several runs: the order of time is kept.
 */
export function rowsOf(entries: readonly Entry[], overview: AuditOverview | undefined, isGrouped: boolean): Row[] {
  const events = entries.map((entry): Row => ({ kind: "event", key: entry.key, entry }));
  if (!isGrouped || !entries.some(sessionOf)) return events;
  const values = overview?.fields.find(({ field }) => field === "session")?.values ?? [];
  const summaries = new Map(values.map((value) => [value.value, value]));
  const rows: Row[] = [];
  let current: string | undefined;
  entries.forEach((entry, index) => {
    const session = sessionOf(entry);
    if (session !== current) {
      rows.push({ kind: "session", key: `session before ${entry.key}`, session, summary: summaries.get(session) });
      current = session;
    }
    rows.push(events[index] as Row);
  });
  return rows;
}
