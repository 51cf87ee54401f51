/** Queries that the reader searched for lately, kept in this browser only. */

const KEY = "lognotary.queries";
const MOST = 30;

/** The recent queries, the latest first. */
export function recentQueries(): string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((query) => typeof query === "string").slice(0, MOST) : [];
  } catch {
    return []; // storage may be blocked
  }
}

/** Keep a query that was searched for. */
export function keepQuery(query: string): void {
  const text = query.trim();
  if (!text || text.length > 1000) return;
  store([text, ...recentQueries().filter((kept) => kept !== text)].slice(0, MOST));
}

/** Forget all queries. */
export const forgetQueries = (): void => store([]);

function store(queries: readonly string[]): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(queries));
  } catch {
    // As above.
  }
}
