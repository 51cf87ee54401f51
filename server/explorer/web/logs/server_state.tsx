/** The state of the server: readiness, storage, self-verification. */
import type { JSX } from "preact";
import type { Status } from "../api/types";
import { counted, shownNumber } from "../common/counted";
import { ownOf } from "../common/own";
import { plainOf, Text } from "../common/text";
import { shownDuration } from "../common/time";
import { Ago } from "./ago";

const ENCRYPTED: Record<string, string> = {
  all: ", all disks encrypted by ClickHouse",
  some: ", some disks not encrypted by ClickHouse",
  none: ", disks not encrypted by ClickHouse",
};

/** The server as an operator sees it. */
export function ServerState({ status, now }: { status: Status; now: bigint }): JSX.Element {
  return (
    <dl class="log-facts">
      <dt>server</dt>
      <dd>
        Lognotary {status.version}, <Good isGood={!status.notReady}>{status.notReady ? "not ready" : "ready"}</Good>
        {status.notReady && (
          <>
            : <Text text={status.notReady} />
          </>
        )}
      </dd>
      <dt>storage</dt>
      <dd>
        <Text text={status.storage} />
        {status.storageVersion && `, ClickHouse ${plainOf(status.storageVersion)}`}
        {ownOf(ENCRYPTED, status.diskEncryption)}
        {status.storageProblem && (
          <>
            <br />
            <Good isGood={false}>cannot be read</Good>: <Text text={status.storageProblem} />
          </>
        )}
      </dd>
      <dt>self-verification</dt>
      <dd>
        <SelfVerification status={status} now={now} />
      </dd>
      {status.auditRulesProblem && (
        <>
          <dt>audit rules</dt>
          <dd>
            <Good isGood={false}>not reloaded, older rules are in force</Good>: <Text text={status.auditRulesProblem} />
          </dd>
        </>
      )}
      {status.unsignedStreams.length > 0 && (
        <>
          <dt>not signed</dt>
          <dd>{status.unsignedStreams.join(", ")}</dd>
        </>
      )}
    </dl>
  );
}

function SelfVerification({ status, now }: { status: Status; now: bigint }): JSX.Element {
  const state = status.selfVerification;
  if (!state)
    return (
      <>
        off (setting <code>self_verify</code>)
      </>
    );
  const kinds = Object.entries(state.findings).filter(([, count]) => Number(count) > 0);
  const findings = kinds.reduce((sum, [, count]) => sum + Number(count), 0);
  const interval = shownDuration(BigInt(Math.round(state.intervalSeconds)) * 1_000_000_000n);
  const isRunning = state.passStarted && (!state.passFinished || state.passStarted > state.passFinished);
  return (
    <>
      <Good isGood={findings === 0}>{findings ? counted(findings, "finding") : "no findings"}</Good>
      {kinds.length > 0 && ` (${kinds.map(([kind, count]) => `${kind} ${shownNumber(count)}`).join(", ")})`}, everything
      once in {interval}; {counted(state.passes, "pass", "passes")} completed, {counted(state.records, "record")}{" "}
      verified since the start
      {state.passFinished && (
        <>
          <br />
          last pass finished <Ago at={state.passFinished} now={now} />
        </>
      )}
      {isRunning && (
        <>
          <br />
          current pass started <Ago at={state.passStarted} now={now} />
        </>
      )}
      {state.isBehind && (
        <>
          <br />
          <Good isGood={false}>behind: a pass takes longer than the interval</Good>
        </>
      )}
    </>
  );
}

/** A word about a state, with a shape. */
function Good({ isGood, children }: { isGood: boolean; children: string }): JSX.Element {
  return (
    <strong class={isGood ? "fine" : "bad"}>
      <span aria-hidden="true">{isGood ? "● " : "▲ "}</span>
      {children}
    </strong>
  );
}
