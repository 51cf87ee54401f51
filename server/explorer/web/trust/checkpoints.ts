/**
 * Every reader is a witness: this browser keeps the last checkpoint that it saw of every log, and compares it with
 * what the server shows now. Evidence against the server is kept until the reader acknowledges it.
 */
import { ApiError, get } from "../api/client";
import type { Log, Logs } from "../api/types";
import { hasRole, session } from "../app/session";
import { parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { parseVerifierKey } from "../proof/keys";
import { changesOf, consistencyProofOf, forgetChanges } from "./asked";
import { all, update } from "./database";
import { voucherOf } from "./log_keys";
import { believedKeys, readPinnedKeys } from "./pinned_keys";
import { lastLook, logFindings } from "./state";
import { contradictionOf, type KeptCheckpoint, type LogFinding, type Means, missing, witnessed } from "./witness";

const PAUSE = 2000; // ms, before a log that seems to be gone is looked for again

/** The checkpoints that this browser keeps. */
export function keptCheckpoints(): Promise<KeptCheckpoint[]> {
  return all<KeptCheckpoint>("checkpoints");
}

/** Read the findings; another tab may have found some. */
export async function readFindings(): Promise<void> {
  const kept = await all<LogFinding>("findings");
  logFindings.value = kept.sort((one, other) => one.at.localeCompare(other.at));
}

/** Compare what the server shows with what was seen. Readers who may not list logs are no witnesses. */
export async function watchLogs(): Promise<void> {
  await readFindings();
  if (!hasRole("auditor")) return;
  try {
    if (await look(false)) {
      await new Promise((resolve) => setTimeout(resolve, PAUSE)); // a replica of the storage may be behind
      await look(true);
    }
  } catch (error) {
    if (!(error instanceof ApiError)) throw error; // else the server was not reached, or the session has ended
  }
}

/** Accept a log as it is now, in spite of a finding, whose evidence stays. */
export async function acknowledge({ id, logId }: LogFinding): Promise<void> {
  const acknowledged = new Date().toISOString();
  await update<LogFinding>("findings", id, (now) => now && { ...now, acknowledged });
  await update<KeptCheckpoint>("checkpoints", logId, () => undefined);
  await readFindings();
  await watchLogs();
}

/** Compare once. Unless `isSure`, logs that seem to be gone or cut are not findings yet: then return true. */
async function look(isSure: boolean): Promise<boolean> {
  await readPinnedKeys();
  forgetChanges();
  const { logs = [] } = await get<Logs>("/api/v1/logs");
  const kept = new Map((await keptCheckpoints()).map((each) => [each.logId, each]));
  const now = new Date().toISOString();
  const means: Means = { keys: await believedKeys(), changesOf, consistencyProofOf, reader: readerNow(), now };
  const problems = new Map<string, string>();
  let isUnsure = false;
  const report = async (finding: LogFinding) => {
    problems.set(finding.origin, finding.message);
    if (!isSure && (finding.kind === "LOG_TRUNCATED" || finding.kind === "LOG_MISSING")) isUnsure = true;
    else await keepFinding(finding);
  };
  for (const log of logs) {
    const problem = await lookAt(log, kept.get(log.logId), means, report);
    if (problem) problems.set(log.origin, problem);
  }
  const shown = new Set(logs.map(({ logId }) => logId));
  for (const each of kept.values()) {
    if (!shown.has(each.logId) && each.reader === means.reader) await report(missing(each, means));
  }
  lastLook.value = { at: now, problems };
  return isUnsure;
}

async function lookAt(
  log: Log,
  kept: KeptCheckpoint | undefined,
  means: Means,
  report: (finding: LogFinding) => Promise<void>,
): Promise<string | undefined> {
  try {
    const outcome = await witnessed(log, kept, means);
    if (outcome.kind === "finding") await report(outcome.finding);
    else if (outcome.kind === "seen") await keep(outcome.checkpoint);
    return outcome.kind === "not counted" ? outcome.reason : undefined;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return `it could not be compared: ${error.message}`;
  }
}

/** Keep a checkpoint, unless another tab has kept a larger one meanwhile. */
async function keep(checkpoint: KeptCheckpoint): Promise<void> {
  const size = ({ note }: KeptCheckpoint) => parseCheckpoint(note, "a kept checkpoint").size;
  await update<KeptCheckpoint>("checkpoints", checkpoint.logId, (now) =>
    now && size(now) > size(checkpoint) ? now : checkpoint,
  );
}

/** Keep a finding, once for each log and kind until it is acknowledged. */
async function keepFinding(finding: LogFinding): Promise<void> {
  const isKnown = logFindings.value.some(
    ({ logId, kind, acknowledged }) => logId === finding.logId && kind === finding.kind && !acknowledged,
  );
  if (isKnown) return;
  await update<LogFinding>("findings", finding.id, () => finding);
  await readFindings();
}

function readerNow(): string {
  if (session.value.state !== "known") return "";
  const { name, roles } = session.value.reader;
  return JSON.stringify([name, roles]);
}

/**
 * Compare a checkpoint that the reader kept with the log that the server shows now; returns a sentence if all is well.
 * Throws VerificationError if they contradict, or nobody whom this browser believes signed it; or ApiError.
 */
export async function compareWithFile(text: string): Promise<string> {
  const mine = parseCheckpoint(text, "the file");
  const { logs = [] } = await get<Logs>("/api/v1/logs");
  const log = logs.find(({ origin }) => origin === mine.origin);
  if (!log) throw new VerificationError("LOG_TRUNCATED", `LOG_MISSING: the server shows no log ${mine.origin}`);
  const pinned = await believedKeys();
  const keys = pinned.length ? pinned : await Promise.all(log.verifierKeys.map(parseVerifierKey));
  const now = parseCheckpoint(log.checkpoint, "the server's checkpoint");
  for (const [checkpoint, whose] of [
    [mine, "the file's"],
    [now, "the server's"],
  ] as const) {
    if ((await voucherOf(checkpoint, keys, changesOf)) === undefined) {
      throw new VerificationError(
        "KEY_UNKNOWN",
        `no ${pinned.length ? "pinned" : "known"} key signed ${whose} checkpoint`,
      );
    }
  }
  const contradiction = await contradictionOf(mine, now, log.logId, { consistencyProofOf });
  if (contradiction) throw new VerificationError(...contradiction);
  const by = pinned.length ? "a pinned key vouches for both" : "no key is pinned: only the server says whose key it is";
  return `the log of ${now.size} entries begins with the ${mine.size} of your checkpoint, as proved here; ${by}`;
}
