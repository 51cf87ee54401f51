/** The check of a bundle, again whenever the reader changes the keys. */
import { useEffect, useState } from "preact/hooks";
import { VerificationError } from "../proof/errors";
import type { ReadRecord } from "../proof/readable";
import type { Files } from "./files";
import { type GivenKeys, NO_KEYS, readGivenKeys } from "./given_keys";
import { recordIn, type Standing, standingOf } from "./standing";

/** The result of a check. */
export interface Checked {
  /** Undefined while the bundle is being checked, and if it cannot be checked with what was given as a key. */
  readonly standing: Standing | undefined;
  readonly given: GivenKeys;
  /** The reason for which the text that the reader gave is not a key; empty if it is one, or there is none. */
  readonly keyError: string;
}

const NOT_CHECKED: Checked = { standing: undefined, given: NO_KEYS, keyError: "" };
const PAUSE = 150; // milliseconds without a change of the text: a check of a large record takes longer than a key stroke

/** The record as the file has it; undefined while it is read, and if it cannot be read. */
export function useRecord(files: Files): ReadRecord | undefined {
  const [record, setRecord] = useState<ReadRecord>();
  useEffect(() => {
    void recordIn(files).then(setRecord);
  }, [files]);
  return record;
}

/** Check the bundle with the keys in a text; the latest text counts. */
export function useCheck(files: Files, origin: string | undefined, keyText: string): Checked {
  const [state, setState] = useState(NOT_CHECKED);
  useEffect(() => {
    let isCurrent = true;
    const show = (checked: Checked) => {
      if (isCurrent) setState(checked);
    };
    const begin = () =>
      check(files, origin, keyText).catch((error: unknown) => {
        show({ ...NOT_CHECKED, keyError: `the check itself failed: ${error}` });
        throw error;
      });
    const timer = setTimeout(() => void begin().then(show), keyText ? PAUSE : 0);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [files, origin, keyText]);
  return state;
}

async function check(files: Files, origin: string | undefined, keyText: string): Promise<Checked> {
  try {
    const given = keyText.trim() ? await readGivenKeys(keyText, origin) : NO_KEYS;
    return { standing: await standingOf(files, given), given, keyError: "" };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return { ...NOT_CHECKED, keyError: error.message };
  }
}
