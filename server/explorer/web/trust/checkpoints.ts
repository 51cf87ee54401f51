/**
 * Every auditor is a witness: this browser keeps the last checkpoint that it saw of every log, and compares it with
 * what the server shows now. Evidence against the server is kept, and open until an auditor acknowledges it.
 */
import { ApiError } from "../api/client";
import type { Log, Logs } from "../api/types";
import { hasRole, session } from "../app/session";
import { counted } from "../common/counted";
import { parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { parseVerifierKey } from "../proof/keys";
import { ask, changesOf, consistencyProofOf } from "./asked";
import { keepFinding, noteAcknowledged, readFindings } from "./findings";
import { allSeenChanges, forgetLog, keptCheckpoints, putAway, replace, seenChanges } from "./kept";
import { voucherOf } from "./log_keys";
import { believedKeys, readPinnedKeys } from "./pinned_keys";
import { readerNow, shownReader } from "./reader";
import { lastLook, overdue } from "./state";
import { contradictionOf, type KeptCheckpoint, type LogFinding, type Means, missing, witnessed } from "./witness";

const PAUSE = 2000; // ms, before a log that seems to be gone is looked for again
const LONG_PAUSE = 8000; // ms, before logs are compared again that could not be

let running: Promise<void> | undefined;

/**
 * Compare what the server shows with what was seen. What cannot be compared at the second attempt either is reported.
 */
export function watchLogs(): Promise<void> {
  running ??= watch().finally(() => {
    running = undefined;
  });
  return running;
}

async function watch(): Promise<void> {
  await readFindings();
  if (session.value.state !== "known") return;
  if (!hasRole("auditor")) {
    overdue.value = unread(await keptCheckpoints(), `it says that this reader, ${shownReader()}, is not an auditor`);
    return;
  }
  const first = await look();
  if (first.unsure.size || first.overdue.length) {
    // A replica of the storage may be behind, or the server is being started again.
    await new Promise((resolve) => setTimeout(resolve, first.overdue.length ? LONG_PAUSE : PAUSE));
    overdue.value = (await look(first.unsure)).overdue;
  } else overdue.value = [];
}

/**
 * Acknowledge a finding, whose evidence stays, and accept the log as it is now. The key changes that were seen still
 * count, and after a finding about a key the checkpoint as well: only `acceptKeys` lets go of these.
 */
export async function acknowledge({ id, logId, kind }: LogFinding): Promise<void> {
  if (kind !== "BATCH_FOREIGN_SIGNED") await putAway(logId);
  await noteAcknowledged(id, new Date().toISOString());
  await watchAnew();
}

/** Acknowledge a finding about a key, and forget the log: keys of it that were replaced are believed again. */
export async function acceptKeys({ id, logId }: LogFinding): Promise<void> {
  await forgetLog(logId);
  await noteAcknowledged(id, new Date().toISOString());
  await watchAnew();
}

/** Compare with what is kept now: a comparison that runs already began with what was kept before. */
async function watchAnew(): Promise<void> {
  await running?.catch(() => undefined);
  await watchLogs();
}

/** Result of a look. */
interface Looked {
  /** IDs of logs that seem to be gone or cut, or by another key, for the first time. */
  readonly unsure: ReadonlySet<string>;
  /** Sentences on what was not compared. */
  readonly overdue: readonly string[];
}

// Seen once, these may be a replica of the storage that is behind, or has the batch and not yet the change of its key.
const SEEN_TWICE: readonly LogFinding["kind"][] = ["LOG_TRUNCATED", "LOG_MISSING", "BATCH_FOREIGN_SIGNED"];

/** Compare once. Logs that seem to be gone or cut are findings only if they seemed so `before`, at the first look. */
async function look(before?: ReadonlySet<string>): Promise<Looked> {
  await readPinnedKeys();
  const kept = new Map((await keptCheckpoints()).map((each) => [each.logId, each]));
  const changes = await allSeenChanges();
  const problems = new Map<string, string>();
  let logs: readonly unknown[];
  try {
    logs = await listedLogs();
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    const message = `the server's list of logs cannot be read: ${error.message}`;
    lastLook.value = {
      at: lastLook.peek()?.at ?? "",
      problems: problems.set("", message),
      changes: await countChanges(),
    };
    return { unsure: new Set(), overdue: kept.size ? unread([...kept.values()], message) : [message] };
  }
  const now = new Date().toISOString();
  const means: Means = { keys: await believedKeys(), changesOf, consistencyProofOf, reader: readerNow(), now };
  const overdue: string[] = [];
  const unsure = new Set<string>();
  const report = async (finding: LogFinding) => {
    problems.set(finding.origin, finding.message);
    if (!SEEN_TWICE.includes(finding.kind) || before?.has(finding.logId)) return keepFinding(finding);
    unsure.add(finding.logId);
    if (before) overdue.push(`${finding.message} (seen once, and looked for again)`);
  };
  const shown = new Set<string>();
  for (const [at, log] of logs.entries()) {
    // One log that is not in its form must not keep the others from being compared.
    if (!isLog(log)) {
      problems.set(`log ${at + 1}`, `log ${at + 1} of the server's list is not in the form of one`);
      continue;
    }
    shown.add(log.logId);
    const last = kept.get(log.logId);
    try {
      const outcome = await witnessed(log, last, means, changes.get(log.origin));
      if (outcome.kind === "finding") await report(outcome.finding);
      else if (outcome.kind === "not counted") problems.set(log.origin, outcome.reason);
      else {
        // Else another tab kept another one meanwhile, and compares. A log that is listed twice is compared with
        // itself.
        if (await replace(last, outcome.checkpoint)) kept.set(log.logId, outcome.checkpoint);
        if (outcome.withheld) {
          problems.set(log.origin, outcome.withheld);
          overdue.push(`${log.origin}: ${outcome.withheld}`);
        }
      }
    } catch (error) {
      const problem = `it could not be compared: ${error instanceof Error ? error.message : error}`;
      problems.set(log.origin, problem);
      overdue.push(`${log.origin}: ${sinceWhen(last)}${problem}`);
    }
  }
  const others: KeptCheckpoint[] = [];
  for (const each of kept.values()) {
    if (shown.has(each.logId)) continue;
    if (each.reader === means.reader) await report(missing(each, means));
    else others.push(each);
  }
  // Their names are for whoever saw them: this reader may not see these logs.
  const why = `the server does not show them to this reader, ${shownReader()}; another one saw them then`;
  overdue.push(...unread(others, why));
  lastLook.value = { at: now, problems, changes: await countChanges() };
  return { unsure, overdue };
}

async function countChanges(): Promise<number> {
  return [...(await allSeenChanges()).values()].flat().length;
}

/** The server's list of its logs. Throws ApiError if it is refused, or no list. */
async function listedLogs(): Promise<readonly unknown[]> {
  const logs: unknown = (await ask<Partial<Logs> | null>("/api/v1/logs"))?.logs ?? [];
  if (Array.isArray(logs)) return logs;
  throw new ApiError(200, "UNKNOWN", "it is not a list");
}

function isLog(value: unknown): value is Log {
  const { origin, logId, checkpoint, verifierKeys } = (value ?? {}) as Partial<Record<keyof Log, unknown>>;
  return (
    [origin, logId, checkpoint].every((each) => typeof each === "string") &&
    Array.isArray(verifierKeys) &&
    verifierKeys.every((each) => typeof each === "string")
  );
}

/** The sentence about kept checkpoints if no log can be compared. */
function unread(kept: readonly KeptCheckpoint[], why: string): string[] {
  const [oldest] = kept.map(({ at }) => at).sort();
  if (!oldest) return [];
  return [`not compared since ${oldest.slice(0, 16)}Z: ${counted(kept.length, "log")} that this browser keeps; ${why}`];
}

function sinceWhen(kept: KeptCheckpoint | undefined): string {
  return kept ? `the server has not proved since ${kept.at.slice(0, 16)}Z that the log has only grown; ` : "";
}

/**
 * Compare a checkpoint that the reader kept with the log that the server shows now; returns a sentence if all is well.
 * Throws VerificationError if they contradict, or nobody whom this browser believes signed it; or ApiError.
 */
export async function compareWithFile(text: string): Promise<string> {
  const mine = parseCheckpoint(text, "the file");
  const log = (await listedLogs()).filter(isLog).find(({ origin }) => origin === mine.origin);
  if (!log) throw new VerificationError("LOG_MISSING", `the server shows no log ${mine.origin}`);
  const pinned = await believedKeys();
  const keys = pinned.length ? pinned : await Promise.all(log.verifierKeys.map(parseVerifierKey));
  const now = parseCheckpoint(log.checkpoint, "the server's checkpoint");
  const changes = await seenChanges(mine.origin);
  for (const [checkpoint, whose] of [
    [mine, "the file's"],
    [now, "the server's"],
  ] as const) {
    if ((await voucherOf(checkpoint, keys, changesOf, changes)) === undefined) {
      throw new VerificationError(
        "KEY_UNKNOWN",
        `no ${pinned.length ? "pinned" : "known"} key signed ${whose} checkpoint`,
      );
    }
  }
  const contradiction = await contradictionOf(mine, now, log.logId, { consistencyProofOf }, "your checkpoint");
  if (contradiction) throw new VerificationError(...contradiction);
  const by = pinned.length ? "a pinned key vouches for both" : "no key is pinned: only the server says whose key it is";
  return `the log of ${now.size} entries begins with the ${mine.size} of your checkpoint, as proved here; ${by}`;
}
