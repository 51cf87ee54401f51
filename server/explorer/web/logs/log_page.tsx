/** One log: its last checkpoint, its keys, its statements, and what is amiss. */
import type { JSX } from "preact";
import { get } from "../api/client";
import type { Checkpoint, Logs } from "../api/types";
import { recordPath, searchPath } from "../app/routes";
import { Notice } from "../common/answer";
import { Command } from "../common/copy";
import { commandOf, optionOf } from "../common/shell_words";
import { termOf } from "../common/terms";
import { Text } from "../common/text";
import { CheckpointView } from "./checkpoint_view";
import { askFindings, FindingList } from "./findings";
import { askGaps, GapTable } from "./gaps";
import { KeyTable } from "./keys";
import { useNow } from "./now";
import { Headed, Part } from "./part";
import { StatementTable } from "./statement_table";

/** The page starts anew for each log: what was read of one must not stand under the name of another. */
export default function Page({ route: { log } }: { route: { log: string } }): JSX.Element {
  return <LogPage key={log} log={log} />;
}

function LogPage({ log }: { log: string }): JSX.Element {
  const { now } = useNow();
  const path = `/api/v1/logs/${encodeURIComponent(log)}/checkpoint`;
  return (
    <article class="logs-page">
      <p>
        <a href="/logs">All logs</a>
      </p>
      <h1>
        <span class="quiet">Log</span> <Text text={log} most={300} />
      </h1>
      <Part title="Problems" ask={(signal) => get<Logs>("/api/v1/logs", {}, signal)} inputs={[log, now]}>
        {({ logs }) => <Problems logs={logs} log={log} />}
      </Part>
      <Part title="Last checkpoint" ask={(signal) => get<Checkpoint>(path, {}, signal)} inputs={[path, now]}>
        {(checkpoint) => (
          <>
            <Links checkpoint={checkpoint} />
            <CheckpointView answer={checkpoint} now={now} />
            <h3>Keys that signed it</h3>
            <p class="quiet">
              The server lists these keys: that does not make them the right ones. Compare a fingerprint with one that
              you got through another channel, and pin it on the page <a href="/trust">Trust</a>.
            </p>
            <KeyTable keys={checkpoint.verifierKeys} />
            <Command text={commandOf("lognotary", "checkpoint", ...optionOf("--log", checkpoint.origin))} />
          </>
        )}
      </Part>
      <Part title="Findings of self-verification" ask={(signal) => askFindings(signal, log)} inputs={[log]}>
        {(answer) => <FindingList answer={answer} logId={log} />}
      </Part>
      <Part title="Gaps" ask={(signal) => askGaps(signal, log)} inputs={[log]}>
        {(answer) => <GapTable answer={answer} now={now} isOfOne />}
      </Part>
      <Headed title="Statements">
        <StatementTable log={log} />
      </Headed>
    </article>
  );
}

function Problems({ logs, log }: { logs: Logs["logs"]; log: string }): JSX.Element {
  const own = logs.filter(({ logId }) => logId === log);
  const problems = own.filter(({ problem }) => problem);
  if (!own.length) return <Notice kind="warning">The server lists no log of this ID.</Notice>;
  if (!problems.length) return <p>The server reports no problem: the largest checkpoint is valid.</p>;
  return (
    <>
      {problems.map(({ problem, treeSize }) => (
        <Notice key={treeSize} kind="error">
          the checkpoint of {treeSize} entries is not valid: <Text text={problem} />
        </Notice>
      ))}
    </>
  );
}

function Links({ checkpoint }: { checkpoint: Checkpoint }): JSX.Element {
  const size = BigInt(checkpoint.treeSize);
  return (
    <p class="links">
      <Text text={checkpoint.origin} most={300} />
      {size > 0n && (
        <>
          <a href={recordPath(checkpoint.logId, "0")}>first record</a>
          <a href={recordPath(checkpoint.logId, String(size - 1n))}>last record</a>
        </>
      )}
      <a href={searchPath(termOf("log", checkpoint.origin))}>search its records</a>
      <a href={`/verify?${new URLSearchParams({ log: checkpoint.origin })}`}>verify</a>
    </p>
  );
}
