/** Streams, by the words and shapes that they have on every page. */
import type { Stream } from "./entry";

/** The word of one entry of a stream, with a shape. */
export const STREAM_MARKS: Readonly<Record<Stream, { shape: string; word: string }>> = {
  audit: { shape: "◆", word: "audit" },
  operational: { shape: "•", word: "log" },
  spans: { shape: "▬", word: "span" },
};
