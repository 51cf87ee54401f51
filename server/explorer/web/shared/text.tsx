/** Text from storage, which is hostile: it must never change the page around it, or look like something else. */
import type { JSX } from "preact";

// Controls, directions of text (UAX 9), other characters that are not seen, lines of their own, halves of pairs.
const HIDDEN = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

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

/** Text from storage in one place of the page. `most` limits its characters; the rest is counted. */
export function Text({ text, most = 2000 }: { text: string; most?: number }): JSX.Element {
  const shown = text.length > most ? beginningOf(text, most) : text;
  return (
    <bdi class="text">
      {partsOf(shown).map((part) => (part.isEscaped ? <span class="hidden-character">{part.text}</span> : part.text))}
      {shown.length < text.length && (
        <span class="cut"> … {(text.length - shown.length).toLocaleString("en")} more characters</span>
      )}
    </bdi>
  );
}

/** The first characters of a text, without half of a surrogate pair. */
export function beginningOf(text: string, most: number): string {
  const last = text.charCodeAt(most - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? most - 1 : most);
}
