/** A verification as it goes on: progress by log, findings as they come, and the verdict. */
import type { JSX } from "preact";
import type { Log, VerifySummary } from "../api/types";
import { logPath } from "../app/routes";
import { Failure, Notice } from "../common/answer";
import { counted, shownNumber } from "../common/counted";
import { Moment } from "../common/moment";
import { plainOf, Text } from "../common/text";
import { shownDuration } from "../common/time";
import { FindingItem } from "./finding_item";
import { type LogProgress, paceOf, type Run, shareOf } from "./run";
import type { Running } from "./use_run";
import { type Line, limitsOf, type Outcome, verdictOn } from "./verdict";

/** A verification, as far as it has come. */
export function RunView({ running, logs }: { running: Running; logs: readonly Log[] }): JSX.Element | null {
  const { state, run, seconds, error } = running;
  if (state === "idle") return null;
  return (
    <section class="run" aria-label="Verification">
      <Verdict running={running} />
      {error && <Failure error={error} />}
      <Progress run={run} isRunning={state === "running"} seconds={seconds} />
      <LogBars run={run} logs={logs} isWhole={run.summary !== undefined && run.summary.entries.length === 0} />
      <Findings run={run} />
      {run.expired.length > 0 && <Expired run={run} />}
    </section>
  );
}

/** The shape of a good verdict is that of the server's word on a record: this browser checked nothing. */
const SHAPES: Record<Outcome, string> = { good: "○", known: "●", bad: "✘" };

/** The verdict, which is read out when it is there; nothing that moves is. */
function Verdict({ running: { state, run } }: { running: Running }): JSX.Element {
  const { summary } = run;
  return (
    <div role="status">
      {summary && <Judgement summary={summary} />}
      {state === "stopped" && (
        <Notice kind="warning">
          stopped: only what was read is verified, and there is no verdict. Run it again to get one.
        </Notice>
      )}
      {state === "done" && !summary && (
        <Notice kind="error">the server ended the answer without a verdict: nothing is verified. Try again</Notice>
      )}
      {state === "running" && run.findingCount > run.acknowledgedCount && (
        <strong class="bad">
          <span aria-hidden="true">✘ </span>there are findings
        </strong>
      )}
    </div>
  );
}

function Judgement({ summary }: { summary: VerifySummary }): JSX.Element {
  const { kind, text } = verdictOn(summary);
  return (
    <div class={`run-verdict run-${kind}`}>
      <p class="judgement">
        <span aria-hidden="true">{SHAPES[kind]} </span>server: <Text text={text} />
      </p>
      <ul class="plain">
        {limitsOf(summary).map((line) => (
          <LimitItem key={line.text} line={line} />
        ))}
      </ul>
      {summary.logsWithoutCheckpoint.length > 0 && (
        <p class="quiet">
          Logs without a kept checkpoint: <Text text={summary.logsWithoutCheckpoint.join(", ")} />
        </p>
      )}
      <p class="quiet">
        {counted(summary.statements, "statement")} verified. This is the server's word about its storage.{" "}
        <code>lognotary verify --storage URL --public-key FILE</code> checks the storage itself, without the server.
      </p>
    </div>
  );
}

function LimitItem({ line: { kind, text } }: { line: Line }): JSX.Element {
  const shape = kind === "bad" ? "✘" : kind === "warning" ? "▲" : "●";
  return (
    <li class={kind === "bad" ? "bad" : kind === "warning" ? "old" : undefined}>
      <span aria-hidden="true">{shape} </span>
      <Text text={text} />
    </li>
  );
}

function Progress({ run, isRunning, seconds }: { run: Run; isRunning: boolean; seconds: number }): JSX.Element {
  const share = shareOf(run);
  const took = shownDuration(BigInt(Math.round(seconds * 1000)) * 1_000_000n);
  return (
    <div class="progress">
      <progress max={1} value={share} aria-label="Records read" />
      <span class="numbers">
        {Math.floor(share * 100)} %, {shownNumber(run.records)} of {counted(run.totalRecords, "record")},{" "}
        {counted(run.batches, "batch", "batches")};{" "}
        {isRunning
          ? paceOf(run, seconds) || "beginning …"
          : `${took}${seconds > 0.2 ? `, ${shownNumber(Math.round(run.records / seconds))} records per second` : ""}`}
      </span>
    </div>
  );
}

const NOT_BEGUN: LogProgress = { records: 0, batches: 0, checkpoint: "" };

/** Bars by log. Of a part of the logs, how much of each will be read is not known. */
function LogBars({ run, logs, isWhole }: { run: Run; logs: readonly Log[]; isWhole: boolean }): JSX.Element | null {
  const sizes = new Map(logs.filter(({ problem }) => !problem).map((log) => [log.origin, log]));
  const origins = new Set([...sizes.keys(), ...run.logs.keys()]);
  if (origins.size === 0) return null;
  return (
    <div class="scroll">
      <table class="log-bars">
        <thead>
          <tr>
            <th scope="col">log</th>
            <th scope="col">read</th>
            <th scope="col" class="number">
              records
            </th>
            <th scope="col" class="number">
              batches
            </th>
          </tr>
        </thead>
        <tbody>
          {[...origins].map((origin) => {
            const log = sizes.get(origin);
            const progress = run.logs.get(origin) ?? NOT_BEGUN;
            const size = isWhole ? progress.records : Number(log?.treeSize ?? 0);
            return (
              <tr key={origin}>
                <th scope="row">
                  {log ? (
                    <a href={logPath(log.logId)}>
                      <Text text={origin} most={200} />
                    </a>
                  ) : (
                    <Text text={origin} />
                  )}
                </th>
                <td>
                  <progress
                    max={Math.max(size, progress.records, 1)}
                    value={size === 0 && run.logs.has(origin) ? 1 : progress.records}
                    aria-label={`Records of ${plainOf(origin)} read`}
                  />
                </td>
                <td class="number">
                  {shownNumber(progress.records)}
                  {size > 0 && ` of ${shownNumber(Math.max(size, progress.records))}`}
                </td>
                <td class="number">{shownNumber(progress.batches)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function Findings({ run }: { run: Run }): JSX.Element {
  const fresh = run.findings.filter(({ acknowledgement }) => !acknowledgement);
  const known = run.findings.filter(({ acknowledgement }) => acknowledgement);
  const more = run.findingCount - run.findings.length;
  return (
    <>
      <h2>
        {counted(run.findingCount - run.acknowledgedCount, "finding")}
        {run.summary === undefined && " so far"}
      </h2>
      <ul class="findings">
        {fresh.map((finding, index) => (
          <FindingItem key={`${finding.id} ${index}`} finding={finding} />
        ))}
      </ul>
      {more > 0 && <p class="quiet">{counted(more, "more finding")}: the command below lists all.</p>}
      {known.length > 0 && (
        <details>
          <summary>{counted(run.acknowledgedCount, "acknowledged finding")}</summary>
          <ul class="findings">
            {known.map((finding, index) => (
              <FindingItem key={`${finding.id} ${index}`} finding={finding} />
            ))}
          </ul>
        </details>
      )}
    </>
  );
}

function Expired({ run }: { run: Run }): JSX.Element {
  return (
    <details>
      <summary>{counted(run.expired.length, "day")} without records, as retention says</summary>
      <ul>
        {run.expired.map(({ origin, day, records, batches, droppedAt }) => (
          <li key={`${origin} ${day} ${droppedAt}`}>
            <Text text={origin} /> {day}:{" "}
            {droppedAt ? (
              <>
                dropped by the statement of <Moment at={droppedAt} />
              </>
            ) : (
              "expired"
            )}
            , chain intact: {counted(records, "record")} in {counted(batches, "batch", "batches")}
          </li>
        ))}
      </ul>
    </details>
  );
}
