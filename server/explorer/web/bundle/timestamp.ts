/** The timestamp in a bundle, as far as it can be read without the certificates of the authority that made it. */
import { useEffect, useState } from "preact/hooks";
import { readTimestamp } from "../proof/timestamp";

/** One sentence about a timestamp of a checkpoint's text. It never says that the timestamp is valid. */
export async function sentenceOf(response: Uint8Array, text: string): Promise<string> {
  const found = await readTimestamp(() => response, text);
  if ("problem" in found) return `it cannot be read: ${found.problem}`;
  switch (found.isOf) {
    case "this text":
      return `made at ${found.time} for the hash of this checkpoint; this page does not check by whom`;
    case "another text":
      return "made for something else: its hash is not that of this checkpoint";
    default:
      return `made at ${found.time} for a hash that is not SHA-256, which this page does not compare`;
  }
}

/** The sentence, once it is known; empty before that, and without a timestamp or a text. */
export function useTimestamp(response: Uint8Array | undefined, text: string | undefined): string {
  const [sentence, setSentence] = useState("");
  useEffect(() => {
    if (response && text !== undefined) void sentenceOf(response, text).then(setSentence);
  }, [response, text]);
  return sentence;
}
