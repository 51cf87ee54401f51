/** The records just before and after one in its log: an order that no sender can change. */

import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { get } from "../api/client";
import type { Neighbours as Answer } from "../api/types";
import { useShortcuts } from "../app/keyboard";
import { navigate } from "../app/location";
import { recordPath } from "../app/routes";
import { useAnswer } from "../common/answer";
import { shownNumber } from "../common/counted";
import { type Entry, entryOf, titleOf } from "../common/entry";
import { StateMark } from "../common/state_mark";
import { Text } from "../common/text";
import { type Place, whyMisplaced } from "../trust/belongs";
import { knownSize } from "../trust/known_size";
import { PROOFS } from "../trust/proofs";
import type { Wanted } from "./check";

/** Links to the previous and the next leaf, with the keys h and l: arrows scroll, and move carets. */
export function Neighbours({ logId, leaf }: Wanted): JSX.Element {
  const answer = useAnswer(
    async (signal) => {
      const fields = { log: logId, leaf_index: leaf, by: "leaf", before: 1, after: 1, ...PROOFS };
      const [found, size] = await Promise.all([get<Answer>("/api/v1/neighbours", fields, signal), knownSize(logId)]);
      return { found, size };
    },
    [logId, leaf],
  );
  const { found, size = 0n } = answer.state === "there" ? answer.value : {};
  const entries = useMemo(() => [...(found?.before ?? []), ...(found?.after ?? [])].map(entryOf), [found]);
  const [previous, next] = [BigInt(leaf) - 1n, BigInt(leaf) + 1n];
  const isFirst = previous < 0n;
  // Without an answer nobody knows whether the log goes on: the next page will say it.
  const isMissing = found?.missingLeaves.includes(String(next));
  const hasMore = found && (found.after.length > 0 || isMissing || found.moreAfter || found.unprovedOmitted);
  const isLast = found !== undefined && !hasMore && next >= size;
  const go = (to: bigint, isEnd: boolean) => () => {
    if (!isEnd) navigate(recordPath(logId, String(to)));
  };
  useShortcuts(
    [
      { key: "h", does: "previous record of the log", run: go(previous, isFirst) },
      { key: "l", does: "next record of the log", run: go(next, isLast) },
    ],
    [logId, leaf, isLast],
  );
  return (
    <nav class="leaves" aria-label="Records before and after in the log">
      <Neighbour to={previous} isEnd={isFirst} logId={logId} word="← before" end="the first record" entries={entries} />
      <Neighbour to={next} isEnd={isLast} logId={logId} word="after →" end="the last record" entries={entries} />
    </nav>
  );
}

interface NeighbourProps {
  to: bigint;
  isEnd: boolean;
  logId: string;
  word: string;
  end: string;
  entries: readonly Entry[];
}

function Neighbour({ to, isEnd, logId, word, end, entries }: NeighbourProps): JSX.Element {
  if (isEnd) return <span class="leaf quiet">{end}</span>;
  const place: Place = { kind: "log", id: logId, leaf: String(to) };
  const entry = entries.find((each) => whyMisplaced(each, place) === undefined);
  return (
    <a class="leaf" href={recordPath(logId, String(to))}>
      {word} <span class="quiet">leaf {shownNumber(to)}</span>
      {entry && (
        <span class="leaf-title">
          <StateMark entry={entry} isShort place={place} /> <Text text={titleOf(entry)} most={80} />
        </span>
      )}
    </a>
  );
}
