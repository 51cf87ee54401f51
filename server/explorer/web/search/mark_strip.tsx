/** The marks above the histogram: what happened to the logs themselves, each with a shape and a text. */
import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { zone } from "../app/preferences";
import { useAnswer } from "../common/answer";
import { Text } from "../common/text";
import { shownTime, textOf } from "../common/time";
import { type AskedMarks, areFresh, groupMarks, MARK_SHAPES, type Mark, type MarkGroup, marksOf } from "./marks";
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
export function useMarks(search: Search | undefined): readonly Mark[] {
  const asked = useRef<AskedMarks | undefined>(undefined);
  const answer = useAnswer(
    async (signal) => {
      if (!search) return [];
      if (!areFresh(asked.current, search)) {
        const { since, until } = search;
        asked.current = { range: { since, until }, marks: await marksOf(search, signal) };
      }
      return asked.current.marks;
    },
    [search?.since, search?.until],
  );
  return (answer.state === "there" ? answer.value : answer.state === "waiting" ? answer.before : undefined) ?? [];
}

export function MarkStrip({ since, until, marks, onOpen, onZoom }: MarkStripProps): JSX.Element | null {
  const [chosen, setChosen] = useState<MarkGroup>();
  const groups = useMemo(
    () => groupMarks(marks, BigInt(since) * 1_000_000n, BigInt(Math.round(until)) * 1_000_000n),
    [marks, since, until],
  );
  if (groups.length === 0) return null;
  return (
    <section class="marks" aria-label="Gaps, findings, changes of keys and starts">
      <ul class="mark-strip">
        {groups.map((group) => (
          <li key={group.at} style={{ left: `${group.at * 100}%` }}>
            <button
              type="button"
              class={`mark mark-${kindOf(group).replace(" ", "-")}`}
              aria-expanded={chosen?.at === group.at}
              title={group.marks.slice(0, 5).map(textOfMark).join("\n")}
              onClick={() => setChosen(chosen?.at === group.at ? undefined : group)}
            >
              <span aria-hidden="true">
                {MARK_SHAPES[kindOf(group)]}
                {group.marks.length > 1 && <sup>{group.marks.length}</sup>}
              </span>
              <span class="read-out">{group.marks.slice(0, 3).map(textOfMark).join("; ")}</span>
            </button>
          </li>
        ))}
      </ul>
      {chosen && (
        <ul class="mark-list panel">
          {chosen.marks.slice(0, 50).map((mark) => (
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
        </ul>
      )}
    </section>
  );
}

const MARGIN = 60_000_000_000n;

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
