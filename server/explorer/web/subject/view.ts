/** The view of an actor or a target that the address of the page describes. */

import type { Fields } from "../api/client";
import { segment } from "../api/segment";
import { timeOf } from "../common/age";
import { commandOf } from "../common/shell_words";
import { termOf } from "../common/terms";
import { ANY, rangeOf, type TimeRange } from "../query/range";
import { both } from "../query/terms";

export type Kind = "actor" | "target";

/** One actor, or one target. */
export interface Subject {
  readonly kind: Kind;
  readonly id: string;
}

/** A part of the events of a subject, and their order. Times are in RFC 3339, or an age such as 7d. */
export interface View {
  readonly query: string;
  readonly since: string;
  readonly until: string;
  readonly isOldestFirst: boolean;
  readonly isGrouped: boolean;
}

/** The view that parameters of the address describe: q, since, until, order and group. */
export function viewOf(parameters: URLSearchParams, kind: Kind): View {
  return {
    query: parameters.get("q") ?? "",
    since: parameters.get("since") ?? "",
    until: parameters.get("until") ?? "",
    isOldestFirst: parameters.get("order") === "oldest",
    // Sessions of an actor follow each other; those on a target are of many actors, and in between each other.
    isGrouped: (parameters.get("group") ?? (kind === "actor" ? "session" : "none")) === "session",
  };
}

/** Return whether a view leaves events out. */
export const isNarrowed = (view: View): boolean => Boolean(view.query.trim() || view.since || view.until);

/** Path of the API for a subject. */
export const pathOfSubject = ({ kind, id }: Subject): string => `/api/v1/${kind}s/${segment(id)}`;

/** Fields of the request for the events in a view. */
export function fieldsOf(view: View, now: bigint): Fields {
  return {
    query: view.query.trim(),
    since: timeOf(view.since, now),
    until: timeOf(view.until, now),
    oldest_first: view.isOldestFirst,
  };
}

/**
 * The range of a view as the time picker takes it. There, an age is counted back from the end, and here, as on the
 * command line, from now: so before an end, it is given as a time.
 */
export function rangeIn(view: View, now: bigint): { since: string; until: string; resolved: TimeRange | undefined } {
  const until = timeOf(view.until, now) ?? "";
  const since = (until ? timeOf(view.since, now) : view.since.trim()) || ANY;
  return { since, until, resolved: resolved(since, until, now) };
}

/** The range between two texts; undefined if they are none, about which the server complains. */
function resolved(since: string, until: string, now: bigint): TimeRange | undefined {
  try {
    return rangeOf(since, until, now);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The query that finds all events of a subject. */
function queryOf({ kind, id }: Subject): string {
  if (kind === "target") return termOf("target", id);
  return `${termOf("actor", id)} OR ${termOf("effective_actor", id)}`;
}

/** The query that finds the events in a view, wherever queries are taken. */
export const wholeQuery = (subject: Subject, view: View): string => both(queryOf(subject), view.query);

/** The command that shows the same. */
export function commandFor({ kind, id }: Subject, view: View): string {
  const options = [
    ...(view.since ? ["--since", view.since] : []),
    ...(view.until ? ["--until", view.until] : []),
    ...(view.isOldestFirst ? ["--oldest-first"] : []),
  ];
  const query = view.query.trim();
  const positional = query ? [id, query] : [id];
  const needsEnd = positional.some((word) => word.startsWith("-"));
  return commandOf("lognotary", kind, ...options, ...(needsEnd ? ["--"] : []), ...positional);
}
