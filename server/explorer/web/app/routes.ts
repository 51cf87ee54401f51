/** The pages of the explorer and their addresses. */
import { segment } from "../api/segment";

/** A page, with what its path names. */
export type Route =
  | { page: "search" }
  | { page: "traces" }
  | { page: "trace"; traceId: string }
  | { page: "actor"; id: string }
  | { page: "target"; id: string }
  | { page: "record"; log: string; leaf: string }
  | { page: "logs" }
  | { page: "log"; log: string }
  | { page: "verify" }
  | { page: "trust" }
  | { page: "missing" };

/** The page at a path. */
export function routeOf(path: string): Route {
  const [first = "", ...rest] = path.split("/").slice(1);
  const second = rest[0] ?? "";
  switch (first) {
    case "":
      return rest.length ? { page: "missing" } : { page: "search" };
    case "traces":
    case "verify":
    case "trust":
      return rest.length ? { page: "missing" } : { page: first };
    case "logs":
      if (!rest.length) return { page: "logs" };
      return rest.length === 1 && second ? { page: "log", log: decoded(second) } : { page: "missing" };
    case "trace":
      return rest.length === 1 && second ? { page: "trace", traceId: decoded(second) } : { page: "missing" };
    case "actor":
    case "target":
      // IDs come from senders, and may have slashes, also encoded ones that a proxy decoded.
      return second ? { page: first, id: decoded(rest.join("/")) } : { page: "missing" };
    case "r": {
      // The name of a log, which may stand in place of its ID, has slashes.
      const [leaf, ...name] = [rest.at(-1) ?? "", ...rest.slice(0, -1)];
      if (!name.join("") || !/^\d{1,20}$/.test(leaf)) return { page: "missing" };
      return { page: "record", log: decoded(name.join("/")), leaf };
    }
    default:
      return { page: "missing" };
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text).replace(/^~(?=~*\.{1,2}$)/, "");
  } catch {
    return text;
  }
}

/** Path of a trace, and of an entry that is opened in it: see placeInTrace. */
export const tracePath = (traceId: string, entry?: string): string =>
  `/trace/${segment(traceId)}${entry ? `?entry=${encodeURIComponent(entry)}` : ""}`;

/** Path of everything that an actor did. */
export const actorPath = (id: string): string => `/actor/${segment(id)}`;

/** Path of everything that was done to a target. */
export const targetPath = (id: string): string => `/target/${segment(id)}`;

/** Permanent path of a record: of a log's ID and a leaf. */
export const recordPath = (logId: string, leaf: string): string => `/r/${segment(logId)}/${encodeURIComponent(leaf)}`;

/** Path of a log. */
export const logPath = (logId: string): string => `/logs/${segment(logId)}`;

/**
 * Path of a search. A link promises records, so it finds them whatever their age, stream and sender, unless the fields
 * say otherwise: without any, the search page shows the latest day, without spans and records of who looked.
 */
export function searchPath(query: string, fields: Record<string, string> = {}): string {
  const all = { q: query, since: "any", streams: "audit,operational,spans", access: "1", ...fields };
  return `/?${new URLSearchParams(Object.entries(all).filter(([, value]) => value !== ""))}`;
}
