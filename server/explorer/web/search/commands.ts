/** Commands that search for the same as the page; pure. */
import type { Stream } from "../common/entry";
import { commandOf } from "../common/shell_words";
import type { Search } from "./query";

/** The parts of a search that the command line can ask for: audit events and logs together, or one stream. */
export function partsOf(search: Search): Search[] {
  const records = search.streams.filter((stream) => stream !== "spans");
  const parts: Stream[][] = records.length === 2 ? [records] : records.map((stream) => [stream]);
  if (search.streams.includes("spans")) parts.push(["spans"]);
  return parts.map((streams) => ({ ...search, streams }));
}

/** The commands that list the records of a search, one for each part of it. */
export const searchCommands = (search: Search): string[] => partsOf(search).map((part) => commandFor(part, []));

/** The commands whose answers prove that no record is left out. */
export const completeCommands = (search: Search): string[] =>
  partsOf(search).map((part) => commandFor(part, ["--complete"]));

function commandFor({ streams, since, until, oldestFirst, query }: Search, options: readonly string[]): string {
  return commandOf(
    "lognotary",
    "search",
    ...(streams.length === 1 ? ["--stream", streams.join()] : []),
    ...(since ? ["--since", since] : []),
    ...(until ? ["--until", until] : []),
    ...(oldestFirst ? ["--oldest-first"] : []),
    ...options,
    ...(query ? ["--", query] : []), // a query may begin with a minus
  );
}
