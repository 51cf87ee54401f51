/** Titles of pages, by which readers tell tabs, bookmarks and steps of the history apart (WCAG 2.4.2). Pure. */
import { plainOf } from "../common/text";
import type { Route } from "./routes";

const MOST = 80; // characters of what a sender or a link chose

/** The title of a page, the most telling words first. `query` is what is searched for, if it is a search. */
export function titleOfPage(route: Route, query = ""): string {
  return `${wordsOf(route, query)} · Lognotary`;
}

function wordsOf(route: Route, query: string): string {
  const of = (text: string) => plainOf(text, MOST);
  switch (route.page) {
    case "search":
      return query ? `${of(query)} · Search` : "Search";
    case "traces":
      return query ? `${of(query)} · Traces` : "Traces";
    case "trace":
      return `Trace ${of(route.traceId)}`;
    case "actor":
      return `Actor ${of(route.id)}`;
    case "target":
      return `Target ${of(route.id)}`;
    case "record":
      return `Record ${of(`${route.log}#${route.leaf}`)}`;
    case "logs":
      return "Logs";
    case "log":
      return `Log ${of(route.log)}`;
    case "verify":
      return "Verify";
    case "trust":
      return "Trust";
    case "missing":
      return "There is no such page";
  }
}
