/**
 * Checkpoints of entries are of the history that this browser keeps: the checkpoint of an entry's batch has another
 * size than the kept one, so a consistency proof between the two is demanded. Without it, a server could prove altered
 * records by checkpoints of sizes that nobody compares.
 */

import { logIdOf } from "../common/log_id";
import { base64Of } from "../proof/bytes";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { noteOf } from "../proof/note";
import { withSeen } from "./log_keys";
import { contradictionOf, findingOfLog, type KeptCheckpoint, type LogFinding, type Means } from "./witness";

const PAUSE = 30_000; // ms, before a server that refused a proof is asked again for one of the same log
const MOST_ATTEMPTS = 3; // while other tabs move the kept checkpoint

/** Means of the comparison besides the checkpoints. */
export interface HistoryMeans extends Pick<Means, "consistencyProofOf"> {
  /** The checkpoint that this browser keeps of a log; undefined if there is none, also after looking at all logs. */
  readonly keptOf: (origin: string) => Promise<KeptCheckpoint | undefined>;
  /** Keep a later checkpoint in place of another; false if that is not the kept one any more. */
  readonly replace: (before: KeptCheckpoint, after: KeptCheckpoint) => Promise<boolean>;
  /** Keep the evidence of a history that contradicts the kept one. */
  readonly report: (finding: LogFinding) => Promise<void>;
  /**
   * Throws VerificationError unless a key that this browser believes vouches for a checkpoint, after the log's key
   * changes that are known now.
   */
  readonly requireVouched: (checkpoint: Checkpoint, kept: KeptCheckpoint, changes: readonly string[]) => Promise<void>;
  /** A sentence for a proof that was not sent; undefined if the error is not one of the server or of the way there. */
  readonly refusalOf: (error: unknown) => { reason: string; isFinal: boolean } | undefined;
  /** Time now in ms. */
  readonly now: () => number;
}

/** Compares checkpoints, one of a log at a time, and each of them once. */
export class Histories {
  private readonly compared = new Map<string, Promise<string | undefined>>();
  private readonly turns = new Map<string, Promise<unknown>>();
  private readonly refusals = new Map<string, { reason: string; until: number }>();

  constructor(private readonly means: HistoryMeans) {}

  /**
   * Compare a checkpoint, whose signature is valid, with the kept one of its log.
   *
   * @param checkpoint the checkpoint
   * @param changes the log's key changes that are known now, to be kept with it
   * @returns undefined if one continues the other; else why that could not be found out
   * @throws VerificationError if they contradict each other
   */
  compare(checkpoint: Checkpoint, changes: readonly string[] = []): Promise<string | undefined> {
    const { origin, size, root } = checkpoint;
    const place = `${origin}\n${size}\n${base64Of(root)}`;
    const known = this.compared.get(place);
    if (known) return known;
    const before = this.turns.get(origin) ?? Promise.resolve();
    const result = before.then(() => this.compareNow(checkpoint, changes));
    const done = result.catch(() => undefined);
    this.turns.set(origin, done);
    this.compared.set(place, result);
    // Only what was found out is remembered; a contradiction is kept as a finding.
    result
      .then((reason) => reason !== undefined && this.compared.delete(place))
      .catch(() => this.compared.delete(place));
    return result;
  }

  private async compareNow(checkpoint: Checkpoint, changes: readonly string[]): Promise<string | undefined> {
    const { means, refusals } = this;
    const refused = refusals.get(checkpoint.origin);
    if (refused && means.now() < refused.until) return refused.reason;
    try {
      const reason = await this.attempts(checkpoint, changes);
      refusals.delete(checkpoint.origin);
      return reason;
    } catch (error) {
      const refusal = means.refusalOf(error);
      if (!refusal) throw error;
      const until = refusal.isFinal ? Number.POSITIVE_INFINITY : means.now() + PAUSE;
      refusals.set(checkpoint.origin, { reason: refusal.reason, until });
      return refusal.reason;
    }
  }

  private async attempts(checkpoint: Checkpoint, changes: readonly string[]): Promise<string | undefined> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const kept = await this.means.keptOf(checkpoint.origin);
      if (!kept) return "this browser keeps no checkpoint of its log to compare with";
      if (await this.isConsistent(checkpoint, changes, kept)) return undefined;
    }
    return "other tabs of this browser compare its log at the same time";
  }

  /** Demand the proof, and keep what is later of checkpoint and key changes; false if another tab was quicker. */
  private async isConsistent(
    checkpoint: Checkpoint,
    changes: readonly string[],
    kept: KeptCheckpoint,
  ): Promise<boolean> {
    const seen = parseCheckpoint(kept.note, "the kept checkpoint");
    const isLater = checkpoint.size > seen.size;
    const known = withSeen(checkpoint, kept.changes ?? [], changes);
    // More may have been seen since its signature was checked; and what is kept has to be by a key that is believed.
    if (isLater || known.length > changes.length) await this.means.requireVouched(checkpoint, kept, known);
    const [first, second] = isLater ? [seen, checkpoint] : [checkpoint, seen];
    const contradiction = await contradictionOf(first, second, await logIdOf(checkpoint.origin), this.means);
    const at = new Date(this.means.now()).toISOString();
    if (contradiction) {
      const [kind, message] = contradiction;
      // What was found out is told, also if its evidence cannot be kept.
      await this.means.report(findingOfLog(kind, kept, message, at, noteOf(checkpoint))).catch(console.error);
      throw new VerificationError(kind, message);
    }
    const later = isLater ? { note: noteOf(checkpoint), at } : {};
    const isNews = isLater || known.length > (kept.changes?.length ?? 0);
    return !isNews || this.means.replace(kept, { ...kept, ...later, changes: known });
  }
}
