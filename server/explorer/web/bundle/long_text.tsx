/** Texts of any length, of which the reader asks for more. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { partsOf, Text } from "../common/text";

const FIRST = 2000; // characters
const MORE = 20_000;
const PARTS = 500; // an element each; thousands of them make the page slow

/** A text, first its beginning. */
export function LongText({ text }: { text: string }): JSX.Element {
  const [most, setMost] = useState(() => endOf(text, 0, FIRST));
  return (
    <>
      <Text text={text} most={most} />
      {text.length > most && (
        <button type="button" class="more" onClick={() => setMost(endOf(text, most, MORE))}>
          show more
        </button>
      )}
    </>
  );
}

/** The end of the next piece of a text: some characters further, fewer if many of them have to be shown by numbers. */
export function endOf(text: string, begin: number, characters: number): number {
  const piece = text.slice(begin, begin + characters);
  const parts = partsOf(piece).length;
  return begin + (parts <= PARTS ? piece.length : Math.max(1, Math.floor((piece.length * PARTS) / parts)));
}
