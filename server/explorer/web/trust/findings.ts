/** Findings about logs: kept by this browser, and open until an auditor acknowledges them. */
import { all, isKept, onLost, update } from "./database";
import { readerNow, shownReader } from "./reader";
import { logFindings, unkeptFindings } from "./state";
import type { LogFinding } from "./witness";

/** Read the findings; another tab may have found some. */
export async function readFindings(): Promise<void> {
  onLost(readFindings);
  show(await all<LogFinding>("findings"));
}

/**
 * Show a finding on every page and keep it, once for each log and kind until it is acknowledged. A browser that cannot
 * write, such as one whose disk is full, shows it all the same, and says that it is not kept.
 */
export async function keepFinding(found: LogFinding): Promise<void> {
  const finding = { ...found, reader: readerNow() };
  await readFindings().catch(() => undefined); // those of earlier pages and other tabs
  if (logFindings.value.some((each) => isKnownBy(each, finding))) return;
  unkeptFindings.value = [...unkeptFindings.value, finding];
  show(logFindings.value);
  try {
    await update<LogFinding>("findings", finding.id, () => finding);
    if (!(await isKept())) return; // in memory only, so until the page is closed
    forget(finding.id);
    await readFindings();
  } catch {
    // It is among those that are not kept, which the page tells.
  }
}

/**
 * Return whether a finding says nothing new beside another: one that is open, or for a key that was not in force, one
 * that was acknowledged with the same evidence. A log that is cut or forked again is news.
 */
function isKnownBy(known: LogFinding, { logId, kind, at, other }: LogFinding): boolean {
  if (known.logId !== logId || known.kind !== kind) return false;
  if (!known.acknowledged || known.acknowledged > at) return true; // acknowledged while it was being found again
  return kind === "BATCH_FOREIGN_SIGNED" && other !== undefined && known.other === other;
}

/** Note when a reader acknowledged a finding, and who: it stays, with its evidence. */
export async function noteAcknowledged(id: string, acknowledged: string): Promise<void> {
  const noted = { acknowledged, acknowledgedBy: shownReader() };
  unkeptFindings.value = unkeptFindings.value.map((each) => (each.id === id ? { ...each, ...noted } : each));
  await update<LogFinding>("findings", id, (now) => now && { ...now, ...noted });
  await readFindings();
}

function forget(id: string): void {
  unkeptFindings.value = unkeptFindings.value.filter((each) => each.id !== id);
}

function show(kept: readonly LogFinding[]): void {
  const unkept = unkeptFindings.value;
  const others = kept.filter(({ id }) => !unkept.some((each) => each.id === id));
  logFindings.value = [...others, ...unkept].sort((one, other) => one.at.localeCompare(other.at));
}
