/** The least size of a log: a checkpoint that this browser keeps cannot be taken back. */
import { parseCheckpoint } from "../proof/checkpoint";
import { keptCheckpoints } from "./kept";

/** Number of entries of a log in the checkpoint that this browser keeps; 0 if it keeps none, or cannot read it. */
export async function knownSize(logId: string): Promise<bigint> {
  try {
    const kept = (await keptCheckpoints()).find((each) => each.logId === logId);
    return kept ? parseCheckpoint(kept.note, "a kept checkpoint").size : 0n;
  } catch (error) {
    console.error(error); // the page also works without storage in the browser
    return 0n;
  }
}
