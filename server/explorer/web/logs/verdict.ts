/** The verdict of a verification, in the words of the command line (server/commands/verdict.py). */
import type { VerifySummary } from "../api/types";
import { counted, shownNumber } from "../common/counted";

/** - good: everything was verified; known: only what is known was found; bad: new findings, or nothing was verified */
export type Outcome = "good" | "known" | "bad";

export interface Line {
  readonly kind: Outcome | "warning" | "note";
  readonly text: string;
}

const EMPTIED =
  "Storage that was emptied looks the same: name the logs that must be there, or give a checkpoint that was kept";

/** Limits of a verdict, if it has any: entries that were left out, logs and checks, in order. */
export function limitsOf(summary: VerifySummary): Line[] {
  const lines: Line[] = summary.entries.map(({ origin, firstLeaf, endLeaf }) => ({
    kind: "note",
    text: `${origin}: ${entriesText(Number(firstLeaf), Number(endLeaf))}`,
  }));
  for (const origin of summary.unreadLogs) {
    lines.push({ kind: "bad", text: `${origin} was not verified: a table cannot be read` });
  }
  for (const { check, reason, grant } of summary.skippedChecks) {
    lines.push({ kind: "warning", text: `not checked, ${check}: ${reason || grant}` });
  }
  if (summary.logsWithoutCheckpoint.length > 0) {
    const logs = counted(summary.logsWithoutCheckpoint.length, "log");
    lines.push({
      kind: "warning",
      text: `not checked, whether records were cut off at the end of ${logs}: only a checkpoint that was kept outside the storage shows it`,
    });
  }
  if (summary.unsignedStreams.length > 0) {
    const names = summary.unsignedStreams.join(" and ");
    lines.push({ kind: "note", text: `${names}: not signed, so records outside logs were not verified` });
  }
  return lines;
}

/** The verdict itself. */
export function verdictOn(summary: VerifySummary): { kind: Outcome; text: string } {
  const { kind, text } = judged(summary);
  const parts = [text];
  if (Number(summary.resumedEntries)) {
    const entries = counted(summary.resumedEntries, "entry", "entries");
    parts.push(`only entries after the kept checkpoints were read, not the ${entries} before them`);
  }
  if (Number(summary.lookups)) parts.push(`${counted(summary.lookups, "lookup")} replayed`);
  if (summary.skippedChecks.length) {
    parts.push(`${counted(summary.skippedChecks.length, "check was", "checks were")} left out`);
  }
  return { kind, text: parts.join("; ") };
}

function judged(summary: VerifySummary): { kind: Outcome; text: string } {
  const what = verified(summary);
  const findings = Number(summary.findings);
  const acknowledged = Number(summary.acknowledged);
  if (summary.nothingVerified && !findings) return { kind: "bad", text: nothing(summary) };
  if (findings && findings === acknowledged && !summary.nothingVerified) {
    return {
      kind: "known",
      text: `${counted(findings, "finding")}, all acknowledged, and no other; verified ${what}`,
    };
  }
  if (findings) {
    const known = acknowledged ? ` (${shownNumber(acknowledged)} acknowledged)` : "";
    return { kind: "bad", text: `${counted(findings, "finding")}${known}; verified ${what}` };
  }
  if (Number(summary.resumedEntries) && !Number(summary.batches)) {
    const logs = counted(summary.logs, "log");
    return { kind: "known", text: `nothing is new since the kept checkpoints of ${logs}, which are still there` };
  }
  return { kind: "good", text: `${what} verified: all signatures are valid, all records match what was signed` };
}

function nothing(summary: VerifySummary): string {
  if (!Number(summary.logs)) return `nothing was verified: there is no log in storage. ${EMPTIED}`;
  const around = Number(summary.records) ? ` (around it: ${verified(summary)}, as they were signed)` : "";
  return `nothing was verified: nothing was received in the range of time${around}. ${EMPTIED}`;
}

function verified(summary: VerifySummary): string {
  const mismatched = Number(summary.mismatchedRecords);
  const matching = mismatched ? `${shownNumber(Number(summary.records) - mismatched)} of ` : "";
  const records = matching + counted(summary.records, "record");
  const batches = counted(summary.batches, "batch", "batches");
  const expired = Number(summary.expiredRecords)
    ? ` (${shownNumber(summary.expiredRecords)} of the records have expired or were dropped)`
    : "";
  return `${records} in ${batches} of ${counted(summary.logs, "log")}${expired}`;
}

function entriesText(first: number, end: number): string {
  if (end === first) return `no entry read, from entry ${first} on`;
  return end - first === 1 ? `read entry ${first}` : `read entries ${first} to ${end - 1}`;
}
