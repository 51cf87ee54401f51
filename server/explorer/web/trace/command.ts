/** The command that lists the same traces as the page. Pure. */
import { commandOf } from "../common/shell_words";
import type { ListState } from "./list";

/** The command; undefined for matches in several streams that the page names, as its option takes one. */
export function commandFor({ query, streams, since, until, errors, least }: ListState): string | undefined {
  if (streams.includes(",")) return undefined;
  return commandOf(
    "lognotary",
    "traces",
    ...(streams ? ["--stream", streams] : []),
    ...(since && since !== "any" ? ["--since", since] : []),
    ...(until && until !== "any" ? ["--until", until] : []),
    ...(errors ? ["--errors"] : []),
    ...(least ? ["--min-duration", least.replaceAll(" ", "")] : []),
    // A query that begins with a hyphen excludes something, and would be taken for an option.
    ...(query.startsWith("-") ? ["--"] : []),
    ...(query ? [query] : []),
  );
}
