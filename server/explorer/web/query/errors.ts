/** Errors of the server about a query, which are shown at their place. */
import { ApiError } from "../api/client";

/** Return whether an error is about the query. */
export const isWrongQuery = (error: Error | undefined): error is ApiError =>
  error instanceof ApiError && error.message.startsWith("query:");

/**
 * The column of the reader's query that an error of the server names, from 1; undefined if it names none.
 *
 * @param before number of characters that stood before what the reader wrote
 */
export function wrongColumn(message: string, before = 0): number | undefined {
  const found = /^query: column (\d+):/.exec(message);
  return found ? Math.max(Number(found[1]) - before, 1) : undefined;
}

/** An error's message without the column, which is marked in the query itself. */
export const withoutColumn = (message: string): string => message.replace(/^query: (column \d+: )?/, "");
