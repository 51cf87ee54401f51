/**
 * Records belong on a page by their own fields, and not because the server lists them there. Pure.
 *
 * A genuine record, with its proof, on the page of somebody who had no part in it would be a lie, too. The fields that
 * are compared here are those that are shown, which the check of an entry compares with the signed ones.
 */
import type { Entry } from "../common/entry";
import { ownOf } from "../common/own";
import type { Verdict } from "./verdict";

/** The common property of the records of a page. */
export type Place =
  | { readonly kind: "actor" | "target"; readonly id: string }
  /** A trace, by its 32 hexadecimal digits. */
  | { readonly kind: "trace"; readonly id: string }
  /** A log by its ID, or a leaf of it. */
  | { readonly kind: "log"; readonly id: string; readonly leaf?: string }
  /** A property with a value, as of the neighbours of a record. */
  | { readonly kind: "shared"; readonly by: Shared; readonly id: string };

/** Properties that records share with their neighbours. */
export const SHARED = ["actor", "session", "source", "target", "host", "service"] as const;
export type Shared = (typeof SHARED)[number];

/** The values of an entry for a property; hosts may be named by audit events, and by resources. */
export function sharedValues(entry: Entry, by: Shared): readonly string[] {
  const audit = entry.stream === "audit" ? entry.record.audit : undefined;
  const values = {
    actor: () => [audit?.actorId],
    session: () => [audit?.sessionId],
    source: () => [audit?.sourceId],
    target: () => [audit?.targetId],
    host: () => [audit?.sourceHost, ...resourceValues(entry, "host.name")],
    service: () => [entry.service],
  }[by]();
  return values.filter((value) => value !== undefined && value !== "") as string[];
}

function resourceValues(entry: Entry, key: string): readonly string[] {
  const { resourceAttributes, repeatedAttributes } = entry.stream === "spans" ? entry.span : entry.record;
  const repeated = (repeatedAttributes ?? []).find((each) => each.place === "resource" && each.key === key);
  const value = ownOf(resourceAttributes ?? {}, key);
  return repeated?.values ?? (value === undefined ? [] : [value]);
}

/** The name of the finding: these are not words of verification, which knows no pages. */
export const MISPLACED = "not of this page";

/** The reason for which an entry does not belong to a place, as a sentence; undefined if it does. */
export function whyMisplaced(entry: Entry, place: Place): string | undefined {
  const audit = entry.stream === "audit" ? entry.record.audit : undefined;
  switch (place.kind) {
    case "actor":
      if (audit?.actorId === place.id || audit?.effectiveActorId === place.id) return undefined;
      return `the server lists it here, but it names ${place.id} neither as its actor nor as whom the actor acted for`;
    case "target":
      if (audit?.targetId === place.id) return undefined;
      return `the server lists it here, but ${place.id} is not its target`;
    case "trace":
      if (entry.traceId === place.id) return undefined;
      return `the server lists it here, but it is of ${entry.traceId ? `the trace ${entry.traceId}` : "no trace"}`;
    case "shared":
      if (sharedValues(entry, place.by).includes(place.id)) return undefined;
      return `the server lists it here, but its ${place.by} is not ${place.id}`;
    case "log": {
      const { logId, leafIndex, origin } = entry.evidence ?? {};
      if (logId !== place.id) return `the server lists it here, but it is of another log, ${origin || logId || "none"}`;
      if (place.leaf === undefined || leafIndex === place.leaf) return undefined;
      return `the server lists it here, but it is leaf ${leafIndex} of the log, and not leaf ${place.leaf}`;
    }
  }
}

/** The verdict on an entry at a place, of its verdict without one. */
export function verdictAt(entry: Entry, place: Place | undefined, verdict: Verdict): Verdict {
  const message = place && whyMisplaced(entry, place);
  return message === undefined ? verdict : { kind: "refuted", finding: MISPLACED, message };
}
