/** The check of a proof while its page is shown: again whenever the reader pins a key, or unpins one. */
import { useEffect, useState } from "preact/hooks";
import type { InclusionProof } from "../api/types";
import { VerificationError } from "../proof/errors";
import { noteOf } from "../proof/note";
import { historyOf, reportForeign } from "../trust/checks";
import { findingOf } from "../trust/entry_check";
import { seenChanges } from "../trust/kept";
import { believedKeys, readPinnedKeys } from "../trust/pinned_keys";
import { pinnedKeys, pinnedNames } from "../trust/state";
import { type Checked, checkProof, type Outcome, type Wanted } from "./check";

export type CheckState =
  | { readonly state: "waiting" }
  | { readonly state: "done"; readonly checked: Checked }
  | { readonly state: "refused"; readonly finding: string; readonly message: string }
  /** Neither proved nor refuted, such as when the browser's own storage fails. */
  | { readonly state: "failed"; readonly message: string };

/** Check a proof, if there is one. */
export function useCheck(proof: InclusionProof | undefined, { logId, leaf }: Wanted): CheckState {
  const [result, setResult] = useState<CheckState>({ state: "waiting" });
  const names = pinnedNames.value;
  useEffect(() => {
    if (!proof) return;
    let isCurrent = true;
    const show = (next: CheckState) => {
      if (isCurrent) setResult(next);
    };
    setResult({ state: "waiting" });
    if (names === undefined)
      readPinnedKeys().catch((error: unknown) => show(failed(error))); // else it comes back here
    else void checkNow(proof, { logId, leaf }).then(show);
    return () => {
      isCurrent = false;
    };
  }, [proof, logId, leaf, names]);
  return result;
}

async function checkNow(proof: InclusionProof, wanted: Wanted): Promise<CheckState> {
  try {
    const checked = await checkProof(proof, wanted, await believedKeys(), await seenChanges(proof.origin));
    await reportForeign(checked.checkpoint, checked.failure);
    return { state: "done", checked: { ...checked, outcome: await withHistory(checked) } };
  } catch (error) {
    if (!(error instanceof VerificationError)) return failed(error);
    return { state: "refused", finding: findingOf(error), message: error.message };
  }
}

/** The state after an error that says nothing about the proof. */
const failed = (error: unknown): CheckState => ({
  state: "failed",
  message: `it could not be checked: ${error instanceof Error ? error.message : error}`,
});

/** The outcome, if the log has the history that this browser keeps: whoever has its key can sign another one. */
async function withHistory({ outcome, checkpoint, changes }: Checked): Promise<Outcome> {
  if (outcome.kind !== "checked" && outcome.kind !== "unpinned") return outcome;
  try {
    // Without a pinned key, only the server vouches for them: they are not to be kept.
    const notes = outcome.kind === "checked" ? changes.map((change) => noteOf(change.checkpoint)) : [];
    const reason = await historyOf(checkpoint, notes);
    if (reason === undefined || outcome.kind === "unpinned") return outcome;
    return { kind: "uncompared", key: outcome.key, reason };
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    return { kind: "refuted", finding: findingOf(error), message: error.message };
  }
}

/** The name that the reader gave a pinned key, by its fingerprint. */
export function pinnedName(fingerprint: string): string {
  return pinnedKeys.value?.find((key) => key.fingerprint === fingerprint)?.name ?? fingerprint;
}
