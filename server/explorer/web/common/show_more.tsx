/** Lists of which a part is shown: senders decide how long they are, and each row costs time. */
import type { JSX } from "preact";
import { shownNumber } from "./counted";

interface ShowMoreProps {
  /** Length of the whole list, and how much of it is shown at most. */
  of: number;
  most: number;
  /** Number of entries that are shown at first; after that, twice as many each time. */
  step: number;
  /** Plural of what is listed. */
  noun: string;
  onMore: (most: number) => void;
}

/** A button that shows more of a list; nothing if all of it is shown. */
export function ShowMore({ of, most, step, noun, onMore }: ShowMoreProps): JSX.Element | null {
  if (of <= most) return null;
  const next = nextMost(of, most, step);
  return (
    <p class="cut">
      {shownNumber(most)} of {shownNumber(of)} {noun}{" "}
      <button type="button" onClick={() => onMore(next)}>
        show {shownNumber(next - most)} more
      </button>
    </p>
  );
}

/** Number of entries that are shown after the next request for more. */
export function nextMost(of: number, most: number, step: number): number {
  return Math.min(of, most + Math.max(step, most));
}
