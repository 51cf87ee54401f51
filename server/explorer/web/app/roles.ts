/** The roles that pages need, as the server's rules have them (server/access/policy.py). Pure. */
import type { Route } from "./routes";

/** Roles of which a reader needs one to read a page; none if it needs no role. */
const READERS: Record<Route["page"], readonly string[]> = {
  search: ["viewer", "auditor"],
  traces: ["viewer", "auditor"],
  trace: ["viewer", "auditor"],
  actor: ["auditor"],
  target: ["auditor"],
  record: ["viewer", "auditor"],
  logs: ["auditor", "operator"],
  log: ["auditor"],
  verify: ["auditor"],
  trust: [],
  missing: [],
};

/** Return whether roles permit to read a page. */
export function mayRead(page: Route["page"], roles: readonly string[]): boolean {
  const needed = READERS[page];
  return !needed.length || roles.includes("admin") || needed.some((role) => roles.includes(role));
}

/** The roles of which a page needs one, for people. */
export const neededFor = (page: Route["page"]): string => READERS[page].join(" or ");

/** The page that a reader sees at the root: operators, who read no records, begin with the logs. */
export function firstPage(roles: readonly string[]): Route {
  return mayRead("search", roles) || !mayRead("logs", roles) ? { page: "search" } : { page: "logs" };
}
