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
export const searchCommands = (search: Search): string[] => partsOf(search).map((part) => listing(part, []));

/** The commands whose answers prove that no record is left out. */
export const completeCommands = (search: Search): string[] =>
  partsOf(search).map((part) => listing(part, ["--complete"]));

const listing = (part: Search, options: readonly string[]): string =>
  commandFor("search", part, [...(part.oldestFirst ? ["--oldest-first"] : []), ...options]);

/** The command about the records of a part of a search, with options of its own. */
export function commandFor(command: string, part: Search, options: readonly string[]): string {
  const { streams, since, until, query } = part;
  return commandOf(
    "lognotary",
    command,
    ...(streams.length === 1 ? ["--stream", streams.join()] : []),
    ...(since ? ["--since", since] : []),
    ...(until ? ["--until", until] : []),
    ...options,
    ...(query ? ["--", query] : []), // a query may begin with a minus
  );
}
