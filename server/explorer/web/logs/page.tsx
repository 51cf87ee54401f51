/** All logs, and the state of what keeps them. */
import type { JSX } from "preact";
import { get } from "../api/client";
import type { Holds, Log, Logs, Retention, Status, Tenants } from "../api/types";
import { hasRole } from "../app/session";
import { Command } from "../common/copy";
import { askFindings, FindingList } from "./findings";
import { askGaps, GapTable } from "./gaps";
import { LogTable } from "./log_table";
import { useNow } from "./now";
import { Part } from "./part";
import { HoldTable, RetentionTable } from "./policies";
import { ServerState } from "./server_state";
import { TenantTable } from "./tenant_table";

export default function Page(): JSX.Element {
  const { now, refresh } = useNow();
  return (
    <article class="logs-page">
      <div class="title">
        <h1>Logs</h1>
        <button type="button" onClick={refresh}>
          Refresh
        </button>
        {hasRole("auditor") && (
          <a class="button primary" href="/verify">
            Verify
          </a>
        )}
      </div>
      <Part title="Server" roles={["operator"]} ask={askStatus} inputs={[now]}>
        {(status) => <ServerState status={status} now={now} />}
      </Part>
      <Part title="All logs" roles={["auditor", "operator"]} ask={askLogs} inputs={[now]}>
        {({ logs, unsignedStreams }) => <LogTable logs={logs} unsigned={unsignedStreams} now={now} />}
      </Part>
      <Part title="Findings of self-verification" ask={(signal) => askFindings(signal)} inputs={[]}>
        {(answer) => <FindingList answer={answer} />}
      </Part>
      <Part title="Gaps" ask={(signal) => askGaps(signal)} inputs={[]}>
        {(answer) => <GapTable answer={answer} now={now} />}
      </Part>
      <Part title="Tenants" roles={["auditor", "operator"]} ask={askTenants} inputs={[]}>
        {(answer) => <TenantTable answer={answer} />}
      </Part>
      <Part title="Retention" roles={["auditor", "operator"]} ask={askRetention} inputs={[]}>
        {(retention) => <RetentionTable retention={retention} />}
      </Part>
      <Part title="Legal holds" roles={["auditor", "operator"]} ask={askHolds} inputs={[]}>
        {({ holds }) => <HoldTable holds={holds} />}
      </Part>
      <h2>The same on the command line</h2>
      <Command text="lognotary checkpoint --list" />
      <Command text="lognotary status" />
      <Command text="lognotary tenants list" />
      <Command text="lognotary hold list" />
    </article>
  );
}

const askStatus = (signal: AbortSignal) => get<Status>("/api/v1/status", {}, signal);
const askTenants = (signal: AbortSignal) => get<Tenants>("/api/v1/tenants", {}, signal);
const askRetention = (signal: AbortSignal) => get<Retention>("/api/v1/retention", {}, signal);
const askHolds = (signal: AbortSignal) => get<Holds>("/api/v1/holds", { released: true }, signal);

/** The logs as the reader may see them: operators see them in the server's status. */
function askLogs(signal: AbortSignal): Promise<{ logs: Log[]; unsignedStreams: string[] }> {
  return hasRole("auditor") ? get<Logs>("/api/v1/logs", {}, signal) : get<Status>("/api/v1/status", {}, signal);
}
