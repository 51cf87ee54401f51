/** Gaps: periods in which nobody signed a statement of a log. */
import type { JSX } from "preact";
import { get } from "../api/client";
import type { Gap, Gaps } from "../api/types";
import { logPath } from "../app/routes";
import { counted } from "../common/counted";
import { Moment } from "../common/moment";
import { Text } from "../common/text";
import { nanosOf, shownDuration } from "../common/time";

/** Ask for the latest gaps of all logs, or of one, by its name or its ID. */
export const askGaps = (signal: AbortSignal, log?: string): Promise<Gaps> => get<Gaps>("/api/v1/gaps", { log }, signal);

/** The gaps of all logs, or of one. */
export function GapTable({
  answer,
  now,
  isOfOne = false,
}: {
  answer: Gaps;
  now: bigint;
  isOfOne?: boolean;
}): JSX.Element {
  const { gaps } = answer;
  return (
    <>
      {gaps.length === 0 ? (
        <p>There is no gap: statements followed each other as usual.</p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                {!isOfOne && <th scope="col">log</th>}
                <th scope="col">from</th>
                <th scope="col">until</th>
                <th scope="col">for</th>
                <th scope="col">meanwhile</th>
              </tr>
            </thead>
            <tbody>
              {gaps.map((gap) => (
                <GapRow key={`${gap.logId} ${gap.lastStatement}`} gap={gap} now={now} namesLog={!isOfOne} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {answer.truncated && <p class="quiet">There are earlier gaps, which are not listed.</p>}
    </>
  );
}

function GapRow({ gap, now, namesLog }: { gap: Gap; now: bigint; namesLog: boolean }): JSX.Element {
  const end = gap.until ? nanosOf(gap.until) : now;
  const seconds = ((end - nanosOf(gap.since ?? "1970-01-01T00:00:00Z")) / 1_000_000_000n) * 1_000_000_000n;
  const missing = Number(gap.missingStatements);
  return (
    <tr>
      {namesLog && (
        <th scope="row">
          <a href={logPath(gap.logId)}>
            <Text text={gap.origin || gap.logId} most={200} />
          </a>
        </th>
      )}
      <td>
        <Moment at={gap.since} />
      </td>
      <td>{gap.until ? <Moment at={gap.until} /> : <strong class="old">still lasts</strong>}</td>
      <td>{shownDuration(seconds)}</td>
      <td>
        {meanwhileText(gap)}
        {missing > 0 && (
          <div class="bad">
            <span aria-hidden="true">✘ </span>
            {counted(missing, "statement")} between them {missing === 1 ? "is" : "are"} not stored: somebody removed{" "}
            {missing === 1 ? "it" : "them"}, and there may be no gap
          </div>
        )}
        {gap.problem && (
          <div class="bad">
            <span aria-hidden="true">✘ </span>
            <Text text={gap.problem} />
          </div>
        )}
      </td>
    </tr>
  );
}

/** The entries that the log received in a gap, as its statements say. */
export function meanwhileText({ lastTreeSize, nextTreeSize }: Pick<Gap, "lastTreeSize" | "nextTreeSize">): string {
  if (nextTreeSize === undefined) return "no statement since";
  const added = BigInt(nextTreeSize) - BigInt(lastTreeSize);
  return added > 0n ? `${counted(added, "more entry", "more entries")} at the next statement` : "nothing was received";
}
