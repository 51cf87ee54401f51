/** The marks above the histogram: what happened to the logs themselves, each with a shape and a text. */
import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { zone } from "../app/preferences";
import { Notice, useAnswer } from "../common/answer";
import { counted, shownNumber } from "../common/counted";
import { plainOf, Text } from "../common/text";
import { shownTime, textOf } from "../common/time";
import { type AskedMarks, areFresh, marksOf } from "./asked_marks";
import { groupMarks, MARK_SHAPES, type Mark, type MarkGroup } from "./marks";
import type { Search } from "./query";

interface MarkStripProps {
  /** Ends of the axis, in milliseconds. */
  since: number;
  until: number;
  marks: readonly Mark[];
  onOpen: (place: string) => void;
  onZoom: (since: string, until: string) => void;
}

/** The marks of a search's range, asked for once the search is there; none without a search. */
export function useMarks(search: Search | undefined): AskedMarks | undefined {
  const asked = useRef<AskedMarks | undefined>(undefined);
  const answer = useAnswer(
    async (signal) => {
      if (!search) return undefined;
      if (!areFresh(asked.current, search)) asked.current = await marksOf(search, signal);
      return asked.current;
    },
    [search],
  );
  return answer.state === "there" ? answer.value : answer.state === "waiting" ? answer.before : undefined;
}

/** Sentences on marks that are not there, so that their absence is not taken for that of gaps and findings. */
export function MarkNotices({ marks }: { marks: AskedMarks | undefined }): JSX.Element | null {
  if (!marks) return null;
  return (
    <>
      {marks.failures.map((text) => (
        <Notice key={text} kind="warning">
          {text}
        </Notice>
      ))}
      {marks.limits.map((text) => (
        <Notice key={text} kind="note">
          {text} Choose a shorter range to see the others.
        </Notice>
      ))}
    </>
  );
}

export function MarkStrip({ since, until, marks, onOpen, onZoom }: MarkStripProps): JSX.Element | null {
  const [chosen, setChosen] = useState<number>();
  const groups = useMemo(
    () => groupMarks(marks, BigInt(since) * 1_000_000n, BigInt(Math.round(until)) * 1_000_000n),
    [marks, since, until],
  );
  if (groups.length === 0) return null;
  // By its part, not by what it had: with another range, the open list has what is there now.
  const open = groups.find(({ part }) => part === chosen);
  return (
    <section class="marks" aria-label="Gaps, findings, changes of keys and starts">
      <ul class="mark-strip">
        {groups.map((group) => (
          <li key={group.part} style={{ left: `${group.at * 100}%` }}>
            <button
              type="button"
              class={`mark mark-${kindOf(group).replace(" ", "-")}`}
              aria-expanded={group === open}
              title={summaryOf(group, 5)
                .map((text) => plainOf(text))
                .join("\n")}
              onClick={() => setChosen(group === open ? undefined : group.part)}
            >
              <span aria-hidden="true">
                {MARK_SHAPES[kindOf(group)]}
                {group.marks.length > 1 && <sup>{shownNumber(group.marks.length)}</sup>}
              </span>
              <span class="read-out">
                <Text text={summaryOf(group, 3).join("; ")} />
              </span>
            </button>
          </li>
        ))}
      </ul>
      {open && (
        <ul class="mark-list panel">
          {open.marks.slice(0, LISTED).map((mark) => (
            <li key={`${mark.place} ${mark.from} ${mark.text}`}>
              <Text text={textOfMark(mark)} most={300} />{" "}
              {mark.place !== undefined && (
                <button type="button" class="copy" onClick={() => mark.place && onOpen(mark.place)}>
                  open record
                </button>
              )}
              <button
                type="button"
                class="copy"
                onClick={() => onZoom(textOf(mark.from - MARGIN), textOf(mark.until + MARGIN))}
              >
                zoom in
              </button>
            </li>
          ))}
          {open.marks.length > LISTED && (
            <li class="quiet">
              and {counted(open.marks.length - LISTED, "other mark")}: zoom in to see{" "}
              {open.marks.length - LISTED === 1 ? "it" : "them"}
            </li>
          )}
        </ul>
      )}
    </section>
  );
}

const MARGIN = 60_000_000_000n;
const LISTED = 50;

/** The texts of the first marks of a group, and the number of the others. */
function summaryOf({ marks }: MarkGroup, most: number): string[] {
  const texts = marks.slice(0, most).map(textOfMark);
  return marks.length > most ? [...texts, `and ${counted(marks.length - most, "other")}`] : texts;
}

/** The most important kind of a group. */
function kindOf({ marks }: MarkGroup): Mark["kind"] {
  const kinds = Object.keys(MARK_SHAPES) as Mark["kind"][];
  return kinds.find((kind) => marks.some((mark) => mark.kind === kind)) ?? "start";
}

function textOfMark({ kind, from, until, text }: Mark): string {
  const start = shownTime(from, zone.value, 0);
  const end = until > from ? ` to ${shownTime(until, zone.value, 0).time}` : "";
  return `${kind}, ${start.date} ${start.time}${end}: ${text}`;
}
