/** A note on records that are dated in the future, which a search until now does not show. */
import type { JSX } from "preact";
import { Notice, useAnswer } from "../common/answer";
import { shownNumber } from "../common/counted";
import { nanosOf, textOf } from "../common/time";
import { ANY } from "../query/range";
import type { Search } from "./query";
import { countOf } from "./results";

// Clocks of senders differ by a little, and records arrive while the reader reads.
const AHEAD = 120_000_000_000n; // nanoseconds

export function LaterNotice({
  search,
  onShow,
}: {
  search: Search;
  onShow: (since: string, until: string) => void;
}): JSX.Element | null {
  const answer = useAnswer(
    async (signal) => {
      if (!search.until || search.isAboutEvidence) return undefined;
      const since = textOf(nanosOf(search.until) + AHEAD);
      return { since, ...(await countOf({ ...search, since, until: undefined }, signal)) };
    },
    // Not for each range that is looked at: every question is a record of who looked.
    [search.query, search.streams.join()],
  );
  if (answer.state !== "there" || !answer.value?.count) return null;
  const { since, count, isLowerBound } = answer.value;
  return (
    <Notice kind="note">
      {isLowerBound && "more than "}
      {shownNumber(count)} matching {count === 1 ? "record is" : "records are"} dated in the future, by a clock that is
      ahead.{" "}
      <button type="button" class="as-link" onClick={() => onShow(since, ANY)}>
        Show
      </button>
    </Notice>
  );
}
