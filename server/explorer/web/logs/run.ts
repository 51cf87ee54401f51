/** A run of verification as it goes on: what its messages have said so far. */
import type { Finding, VerifyExpired, VerifyStep, VerifySummary } from "../api/types";
import { shownNumber } from "../common/counted";

/** Findings that a page shows; the others are counted. */
export const MOST_FINDINGS = 500;

/** Progress in one log. */
export interface LogProgress {
  readonly records: number;
  readonly batches: number;
  /** The checkpoint up to which it was verified, a signed note; empty if there is none. */
  readonly checkpoint: string;
}

export interface Run {
  /** Progress by origin, in the order in which the logs are read. */
  readonly logs: ReadonlyMap<string, LogProgress>;
  readonly records: number;
  readonly batches: number;
  readonly totalRecords: number;
  readonly findings: readonly Finding[];
  readonly findingCount: number;
  readonly acknowledgedCount: number;
  readonly expired: readonly VerifyExpired[];
  readonly summary: VerifySummary | undefined;
}

export const NOTHING_YET: Run = {
  logs: new Map(),
  records: 0,
  batches: 0,
  totalRecords: 0,
  findings: [],
  findingCount: 0,
  acknowledgedCount: 0,
  expired: [],
  summary: undefined,
};

/** The run after more messages. */
export function withSteps(run: Run, steps: readonly VerifyStep[]): Run {
  return steps.reduce(withStep, run);
}

function withStep(run: Run, step: VerifyStep): Run {
  if (step.summary) return { ...run, summary: step.summary };
  if (step.expired) return { ...run, expired: [...run.expired, step.expired] };
  if (step.finding) {
    const { finding } = step;
    return {
      ...run,
      findings: run.findings.length < MOST_FINDINGS ? [...run.findings, finding] : run.findings,
      findingCount: run.findingCount + 1,
      acknowledgedCount: run.acknowledgedCount + (finding.acknowledgement ? 1 : 0),
    };
  }
  if (!step.progress) return run;
  const { origin, checkpoint } = step.progress;
  // The messages count the records and batches of all logs; what was added since the last one is of this log.
  const [records, batches, totalRecords] = [
    Number(step.progress.records),
    Number(step.progress.batches),
    Number(step.progress.totalRecords),
  ];
  const before = run.logs.get(origin) ?? { records: 0, batches: 0, checkpoint: "" };
  const logs = new Map(run.logs);
  logs.set(origin, {
    records: before.records + Math.max(0, records - run.records),
    batches: before.batches + Math.max(0, batches - run.batches),
    checkpoint: checkpoint || before.checkpoint,
  });
  return { ...run, logs, records, batches, totalRecords };
}

/** Part of a run that is done, from 0 to 1. */
export function shareOf({ records, totalRecords, summary }: Run): number {
  if (summary) return 1;
  return totalRecords > 0 ? Math.min(1, records / totalRecords) : 0;
}

/** A rate and the time that is left at it: 12,000 records per second, 0:42 left. Empty while nothing is known. */
export function paceOf({ records, totalRecords }: Run, seconds: number): string {
  if (seconds < 0.2 || records === 0) return "";
  const rate = records / seconds;
  const left = Math.max(0, Math.round((totalRecords - records) / rate));
  const two = (value: number) => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(left / 3600), Math.floor(left / 60) % 60];
  const shown = hours ? `${hours}:${two(minutes)}:${two(left % 60)}` : `${minutes}:${two(left % 60)}`;
  return `${shownNumber(Math.round(rate))} records per second, ${shown} left`;
}
