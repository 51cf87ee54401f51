/** A finding of verification. */
import type { JSX } from "preact";
import type { Finding } from "../api/types";
import { logPath, recordPath } from "../app/routes";
import { Command } from "../common/copy";
import { Moment } from "../common/moment";
import { commandOf } from "../common/shell_words";
import { Text } from "../common/text";

/** Kind, message, and links to what it is about. */
export function FindingItem({ finding }: { finding: Finding }): JSX.Element {
  const known = finding.acknowledgement;
  return (
    <li class={known ? "finding finding-known" : "finding"}>
      <div>
        <strong class={known ? "old" : "bad"}>
          <span aria-hidden="true">{known ? "● " : "✘ "}</span>
          <Text text={finding.kind} most={100} />
          {known && " (acknowledged)"}
        </strong>{" "}
        <Text text={finding.message} />
      </div>
      <div class="links">
        {finding.logId && (
          <a href={logPath(finding.logId)}>
            <Text text={finding.origin || finding.logId} most={200} />
          </a>
        )}
        {finding.logId && finding.leafIndex !== undefined && (
          <a href={recordPath(finding.logId, finding.leafIndex)}>record {finding.leafIndex}</a>
        )}
        {finding.batchId && (
          <span class="quiet">
            batch <Text text={finding.batchId} most={100} />
          </span>
        )}
        {!known && finding.id && (
          <details>
            <summary>acknowledge</summary>
            <p>Once you know the cause, a signed statement of exactly this finding keeps verification from failing:</p>
            <Command
              text={commandOf("lognotary", "findings", "acknowledge", finding.id.slice(0, 16), "--reason", "…")}
            />
          </details>
        )}
      </div>
      {finding.record && (
        <div class="quiet">
          record: <Text text={finding.record} most={600} />
        </div>
      )}
      {known && (
        <div>
          known since <Moment at={known.time} />, signed by <Text text={known.signedBy} most={100} />:{" "}
          <Text text={known.reason} />
        </div>
      )}
    </li>
  );
}
