/** Text from storage, which is hostile: it must never change the page around it, or look like something else. */
import type { JSX } from "preact";
import { shownNumber } from "./counted";

// Controls, directions of text (UAX 9), lines of their own, halves of pairs; and what is not seen at all, though
// Unicode calls it a letter, a mark or a symbol: Hangul fillers, selectors of variants, the blank pattern of Braille.
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** A part of a text: as it is, or a character that would not be seen, by its number. */
export interface Part {
  text: string;
  isEscaped: boolean;
}

/**
 * Split a text into what can be shown as it is, and characters that have to be shown by their number. Those that follow
 * each other are one part: a text of nothing else would make as many elements as it has characters.
 */
export function partsOf(text: string): Part[] {
  const parts: Part[] = [];
  let end = 0;
  for (const found of text.matchAll(HIDDEN)) {
    const code = found[0].codePointAt(0) ?? 0;
    const number = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
    const last = parts[parts.length - 1];
    if (last?.isEscaped && found.index === end) {
      last.text += ` ${number}`;
    } else {
      if (found.index > end) parts.push({ text: text.slice(end, found.index), isEscaped: false });
      parts.push({ text: number, isEscaped: true });
    }
    end = found.index + found[0].length;
  }
  if (end < text.length) parts.push({ text: text.slice(end), isEscaped: false });
  return parts;
}

/**
 * Text from storage for a place that takes no elements, such as a title: characters that are not seen by their numbers
 * in brackets, and all of it isolated, so that its direction does not change what stands beside it (UAX 9).
 */
export function plainOf(text: string, most = 300): string {
  const shown = beginningOf(text, most);
  const parts = partsOf(shown).map((part) => (part.isEscaped ? `[${part.text}]` : part.text));
  return `\u2068${parts.join("")}\u2069${shown.length < text.length ? "…" : ""}`;
}

/** Text from storage in one place of the page. `most` limits its characters; the rest is counted. */
export function Text({ text, most = 2000 }: { text: string; most?: number }): JSX.Element {
  const shown = beginningOf(text, most);
  return (
    <bdi class="text">
      {partsOf(shown).map((part) => (part.isEscaped ? <span class="hidden-character">{part.text}</span> : part.text))}
      {shown.length < text.length && (
        <span class="cut"> … {shownNumber(text.length - shown.length)} more characters</span>
      )}
    </bdi>
  );
}

/** The first characters of a text, without half of a surrogate pair. */
export function beginningOf(text: string, most: number): string {
  if (text.length <= most) return text;
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most);
}
