/** Which kept checkpoints a reader is shown, and what is said about the comparison of each. */
import type { KeptCheckpoint } from "./witness";

/** The last comparison of logs: when it was, and what hindered it or came of it, by origin; by "" for all of them. */
interface Look {
  readonly at: string;
  readonly problems: ReadonlyMap<string, string>;
}

/** The words for the comparison of a log. */
export function comparedText({ origin, since, at }: KeptCheckpoint, look: Look | undefined): string {
  const problem = look?.problems.get(origin) ?? look?.problems.get("");
  if (problem !== undefined) return problem;
  // A checkpoint that was compared has the time of the comparison, or of a later one.
  if (!look?.at || at < look.at) return `not compared since ${at.slice(0, 16).replace("T", " ")} UTC`;
  return since === at ? "first seen now" : "has only grown";
}

/** The checkpoints that a reader saw: others may be of logs that this one may not see, so these are only counted. */
export function ownOf(
  kept: readonly KeptCheckpoint[],
  reader: string,
): { readonly own: readonly KeptCheckpoint[]; readonly others: number } {
  const own = kept.filter((each) => each.reader === reader);
  return { own, others: kept.length - own.length };
}
