/** All logs in a table: what each has, who signed its last checkpoint, and its last heartbeat. */
import type { JSX } from "preact";
import { get } from "../api/client";
import type { Log, Statements } from "../api/types";
import { logPath } from "../app/routes";
import { hasRole } from "../app/session";
import { useAnswer } from "../common/answer";
import { Copy } from "../common/copy";
import { counted, shownNumber } from "../common/counted";
import { Text } from "../common/text";
import { nanosOf } from "../common/time";
import { base64Of } from "../proof/bytes";
import { parseCheckpoint } from "../proof/checkpoint";
import { lastLook, logFindings } from "../trust/state";
import { Ago, agoOf } from "./ago";
import { isLate } from "./heartbeats";
import { SignedBy } from "./keys";
import { nameOf } from "./names";
import { latest } from "./part";
import { useKeptCheckpoints } from "./remembered";
import { saidIn } from "./statements";

const MOST_HEARTBEATS = 60; // logs whose heartbeats are asked for
const LATEST = 10; // heartbeats, from which the usual time between them is known

/** The table of logs; those of unsigned streams are named below it. */
export function LogTable({
  logs,
  unsigned,
  now,
}: {
  logs: readonly Log[];
  unsigned: readonly string[];
  now: bigint;
}): JSX.Element {
  return (
    <>
      {logs.length === 0 && <p>There is no log yet: no record was stored.</p>}
      {logs.length > 0 && (
        <div class="scroll">
          <table class="logs">
            <thead>
              <tr>
                <th scope="col">log</th>
                <th scope="col">stream</th>
                <th scope="col" class="number">
                  entries
                </th>
                <th scope="col">last record received</th>
                <th scope="col">root</th>
                <th scope="col">signed by</th>
                <th scope="col">last heartbeat</th>
                <th scope="col">kept by this browser</th>
              </tr>
            </thead>
            <tbody>
              {logs.map((log, index) => (
                <LogRow
                  key={log.problem ? `${log.logId} ${log.treeSize}` : log.logId}
                  log={log}
                  now={now}
                  asksHeartbeat={index < MOST_HEARTBEATS}
                />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {unsigned.length > 0 && (
        <p>
          Not signed: {unsigned.join(" and ")} (setting <code>signed_streams</code>). Records of these streams have no
          evidence.
        </p>
      )}
    </>
  );
}

function LogRow({ log, now, asksHeartbeat }: { log: Log; now: bigint; asksHeartbeat: boolean }): JSX.Element {
  const name = nameOf(log.origin);
  return (
    <>
      <tr class={log.problem ? "with-problem" : undefined}>
        <th scope="row">
          {hasRole("auditor") ? (
            <a href={logPath(log.logId)}>
              <Text text={log.origin} most={200} />
            </a>
          ) : (
            <Text text={log.origin} most={200} />
          )}
          <div class="quiet">
            <code>{log.logId}</code>
          </div>
        </th>
        <td>
          {log.stream}
          {name?.stream === "access" && <div class="quiet">who looked</div>}
        </td>
        <td class="number">
          {shownNumber(log.treeSize)}
          <div class="quiet">{counted(log.sequence, "batch", "batches")}</div>
        </td>
        <td>
          <Ago at={log.ingestedAt} now={now} />
        </td>
        <td>
          <Root note={log.checkpoint} />
        </td>
        <td>
          <SignedBy keys={log.verifierKeys} />
        </td>
        <td>
          {hasRole("auditor") && asksHeartbeat ? (
            <Heartbeat log={log} now={now} />
          ) : (
            <span class="quiet">{hasRole("auditor") ? "on the log's page" : "for auditors"}</span>
          )}
        </td>
        <td>
          <Remembered log={log} now={now} />
        </td>
      </tr>
      {log.problem && (
        <tr class="problem">
          <td colSpan={8}>
            <strong>
              <span aria-hidden="true">✘ </span>not valid:
            </strong>{" "}
            <Text text={log.problem} />
          </td>
        </tr>
      )}
    </>
  );
}

function Root({ note }: { note: string }): JSX.Element {
  const root = rootIn(note);
  if (!root) return <span class="quiet">none</span>;
  return (
    <>
      <code title={root}>{root.slice(0, 10)}…</code> <Copy text={root} />
    </>
  );
}

function rootIn(note: string): string | undefined {
  try {
    return base64Of(parseCheckpoint(note, "the checkpoint").root);
  } catch {
    return undefined;
  }
}

function Heartbeat({ log, now }: { log: Log; now: bigint }): JSX.Element {
  const answer = useAnswer(
    async (signal) => {
      const path = `/api/v1/logs/${log.logId}/statements`;
      const { statements } = await get<Statements>(path, { kinds: "heartbeat", page_size: LATEST }, signal);
      return statements.flatMap(({ problem, note }) => (problem ? [] : (saidIn(note) ?? [])));
    },
    [log.logId, now / 300_000_000_000n],
  );
  if (answer.state === "failed") {
    return (
      <span class="bad">
        <Text text={answer.error.message} most={300} />
      </span>
    );
  }
  const heartbeats = latest(answer);
  const [last] = heartbeats ?? [];
  if (!heartbeats || !last) return <span class="quiet">{answer.state === "there" ? "none yet" : "…"}</span>;
  const isOld = isLate(
    heartbeats.map(({ signedAt }) => signedAt),
    now,
  );
  return (
    <span class={isOld ? "old" : undefined}>
      {isOld && <span aria-hidden="true">▲ </span>}
      {agoOf(last.signedAt, now)}
      {isOld && " (the next one is late)"}
      <div class="quiet">statement {shownNumber(last.number)}</div>
    </span>
  );
}

function Remembered({ log, now }: { log: Log; now: bigint }): JSX.Element {
  const kept = useKeptCheckpoints();
  const found = kept?.get(log.logId);
  const finding = logFindings.value.find(({ logId, acknowledged }) => logId === log.logId && !acknowledged);
  const problem = lastLook.value?.problems.get(log.origin);
  return (
    <>
      {found ? (
        <span>
          {counted(parseCheckpoint(found.note, "the kept checkpoint").size, "entry", "entries")}
          <div class="quiet">{agoOf(nanosOf(found.at), now)}</div>
        </span>
      ) : (
        <span class="quiet">{kept ? "nothing yet" : ""}</span>
      )}
      {finding ? (
        <a class="bad" href="/trust">
          <span aria-hidden="true">✘ </span>
          {finding.kind}
        </a>
      ) : (
        problem && (
          <div class="old">
            <span aria-hidden="true">▲ </span>
            <Text text={problem} most={200} />
          </div>
        )
      )}
    </>
  );
}
