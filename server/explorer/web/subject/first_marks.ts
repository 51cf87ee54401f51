/** First times: the event at which a source, an action, a session, a target or an actor was first seen. */
import type { AuditEvent, AuditOverview } from "../api/types";
import type { Entry } from "../common/entry";
import { nanosOf } from "../common/time";
import type { Kind } from "./view";

/** Fields of overviews whose first times are marked. */
export type Field = "source" | "action" | "session" | "target" | "actor";

export interface FirstMark {
  readonly field: Field;
  readonly value: string;
}

const VALUES: Record<Field, (audit: AuditEvent) => string> = {
  source: (audit) => audit.sourceId,
  action: (audit) => audit.action,
  session: (audit) => audit.sessionId,
  target: (audit) => audit.targetId,
  actor: (audit) => audit.actorId,
};

/** Fields that the events of a kind of subject differ in. */
const fieldsOfKind = (kind: Kind): Field[] => ["source", "action", kind === "actor" ? "target" : "actor", "session"];

/**
 * The values that each event, by its key, was the first to have.
 *
 * An overview has the 20 most frequent values of each field. Other values are marked only if all events are known.
 *
 * @param entries events, in any order
 * @param overview overview of all events of the subject, whatever the view leaves out
 * @param isWhole true if `entries` has all events of the subject
 */
export function firstMarks(
  entries: readonly Entry[],
  overview: AuditOverview | undefined,
  kind: Kind,
  isWhole: boolean,
): Map<string, FirstMark[]> {
  const marks = new Map<string, FirstMark[]>();
  for (const field of fieldsOfKind(kind)) {
    const firsts = knownFirsts(overview, field);
    if (isWhole) addFirstsOf(entries, field, firsts);
    for (const entry of entries) {
      const value = valueIn(entry, field);
      if (!value || firsts.get(value) !== entry.nanos) continue;
      marks.set(entry.key, [...(marks.get(entry.key) ?? []), { field, value }]);
    }
  }
  return marks;
}

/** The fields that have more values than the overview lists, so that first times of some are not known. */
export function fieldsWithUnknownFirsts(overview: AuditOverview | undefined, kind: Kind): Field[] {
  return fieldsOfKind(kind).filter((name) => {
    const found = overview?.fields.find(({ field }) => field === name);
    return found !== undefined && Number(found.valueCount) > found.values.length;
  });
}

const BEFORE: Record<Field, string> = {
  source: "from ",
  action: "",
  session: "in session ",
  target: "on ",
  actor: "by ",
};

/** Words for the first times of an event: first time from 203.0.113.7, on 1047. */
export function wordsOf(marks: readonly FirstMark[]): string {
  return `first time ${marks.map(({ field, value }) => `${BEFORE[field]}${value}`).join(", ")}`;
}

function knownFirsts(overview: AuditOverview | undefined, name: Field): Map<string, bigint> {
  const values = overview?.fields.find(({ field }) => field === name)?.values ?? [];
  return new Map(values.flatMap(({ value, firstSeen }) => (firstSeen ? [[value, nanosOf(firstSeen)]] : [])));
}

function addFirstsOf(entries: readonly Entry[], field: Field, firsts: Map<string, bigint>): void {
  const listed = new Set(firsts.keys());
  for (const entry of entries) {
    const value = valueIn(entry, field);
    if (listed.has(value)) continue;
    const known = firsts.get(value);
    if (known === undefined || entry.nanos < known) firsts.set(value, entry.nanos);
  }
}

function valueIn(entry: Entry, field: Field): string {
  return entry.stream !== "spans" && entry.record.audit ? VALUES[field](entry.record.audit) : "";
}
