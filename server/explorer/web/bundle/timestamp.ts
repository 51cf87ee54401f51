/** The timestamp in a bundle, as far as it can be read without the certificates of the authority that made it. */
import { useEffect, useState } from "preact/hooks";
import { areEqual, textIn, utf8 } from "../proof/bytes";
import { parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { sha256 } from "../proof/sha256";
import { parseTimestamp, SHA_256 } from "../proof/timestamp";
import type { Files } from "./files";

/** One sentence about the timestamp; empty if there is none. It never says that the timestamp is valid. */
export async function timestampIn(files: Files): Promise<string> {
  const response = files["timestamp.tsr"];
  if (!response) return "";
  try {
    const { imprint, algorithm, time } = parseTimestamp(response);
    const { text } = parseCheckpoint(textIn(files.checkpoint ?? new Uint8Array(), "checkpoint"), "checkpoint");
    if (algorithm !== SHA_256)
      return `it says ${time}, of a hash that is not SHA-256, which this page does not compare`;
    if (!areEqual(imprint, await sha256(utf8(text)))) return `it is not of this checkpoint: its hash is another one`;
    return `${time}, of this checkpoint, by its hash; this page does not check who made it`;
  } catch (error) {
    if (error instanceof VerificationError) return `it cannot be read: ${error.message}`;
    throw error;
  }
}

/** The sentence of `timestampIn`, once it is known. */
export function useTimestamp(files: Files): string {
  const [sentence, setSentence] = useState("");
  useEffect(() => {
    void timestampIn(files).then(setSentence);
  }, [files]);
  return sentence;
}
