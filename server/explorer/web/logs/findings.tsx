/** Findings of self-verification, which the server records as audit events of its own. */
import type { JSX } from "preact";
import { get } from "../api/client";
import type { LogRecord, SearchAnswer } from "../api/types";
import { logPath, recordPath, searchPath } from "../app/routes";
import { auditEntryOf } from "../common/entry";
import { Moment } from "../common/moment";
import { StateMark } from "../common/state_mark";
import { termOf } from "../common/terms";
import { Text } from "../common/text";
import { PROOFS } from "../trust/proofs";

const MOST = 20;
const QUERY = "sender:server event:lognotary.verification.finding";

/** The query for findings, of one log if it is given. */
const findingsQuery = (logId?: string): string =>
  logId === undefined ? QUERY : `${QUERY} ${termOf("LogAttributes.lognotary.log.id", logId)}`;

/** Ask for the latest findings, and their number. */
export function askFindings(signal: AbortSignal, logId?: string): Promise<SearchAnswer> {
  const fields = { query: findingsQuery(logId), streams: "audit", page_size: MOST, count_up_to: 10_000, ...PROOFS };
  return get<SearchAnswer>("/api/v1/search", fields, signal);
}

/** The findings of an answer, each with links to what it names. */
export function FindingList({ answer, logId }: { answer: SearchAnswer; logId?: string }): JSX.Element {
  const records = answer.entries.flatMap(({ auditEvent }) => (auditEvent ? [auditEvent] : []));
  if (!records.length) {
    return (
      <p>
        No finding{logId === undefined ? "" : " about this log"} is recorded. The server looks for them on its own only
        with the setting <code>self_verify</code>.
      </p>
    );
  }
  return (
    <>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">recorded</th>
              <th scope="col">finding</th>
              <th scope="col">about</th>
              <th scope="col">evidence of the record</th>
            </tr>
          </thead>
          <tbody>
            {records.map((record) => (
              <FindingRow key={`${record.evidence?.leafIndex} ${record.timestamp}`} record={record} />
            ))}
          </tbody>
        </table>
      </div>
      <p>
        <a href={searchPath(findingsQuery(logId))}>Search for all findings</a>
      </p>
    </>
  );
}

function FindingRow({ record }: { record: LogRecord }): JSX.Element {
  const attributes = record.logAttributes;
  const logId = attributes["lognotary.log.id"] ?? "";
  const first = attributes["lognotary.leaf.first"] ?? "";
  const last = attributes["lognotary.leaf.last"] ?? "";
  const kind = attributes["lognotary.finding.kind"] ?? "";
  return (
    <tr>
      <td>
        <Moment at={record.timestamp} />
      </td>
      <td>
        <strong class="bad">
          <span aria-hidden="true">✘ </span>
          <Text text={kind} most={100} />
        </strong>
        <div>
          <Text
            text={record.body.startsWith(`${kind}: `) ? record.body.slice(kind.length + 2) : record.body}
            most={600}
          />
        </div>
      </td>
      <td>
        {logId && (
          <a href={logPath(logId)}>
            <Text text={attributes["lognotary.log.origin"] || logId} most={200} />
          </a>
        )}
        {logId && /^\d{1,20}$/.test(first) && (
          <div>
            <a href={recordPath(logId, first)}>record {first}</a>
            {last !== first && /^\d{1,20}$/.test(last) && (
              <>
                {" "}
                to <a href={recordPath(logId, last)}>{last}</a>
              </>
            )}
          </div>
        )}
      </td>
      <td>
        <StateMark entry={auditEntryOf(record)} />
      </td>
    </tr>
  );
}
