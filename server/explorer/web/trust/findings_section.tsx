/** Findings about logs, with their evidence. */
import type { JSX } from "preact";
import { Command } from "../common/copy";
import { saveFile } from "../common/saving";
import { Text } from "../common/text";
import { acknowledge } from "./checkpoints";
import { logFindings } from "./state";
import type { LogFinding } from "./witness";

export function FindingsSection(): JSX.Element | null {
  const findings = logFindings.value.toReversed();
  if (!findings.length) return null;
  return (
    <section id="findings" aria-labelledby="findings-title">
      <h2 id="findings-title">Findings of this browser</h2>
      {findings.map((finding) => (
        <Finding key={finding.id} finding={finding} />
      ))}
    </section>
  );
}

function Finding({ finding }: { finding: LogFinding }): JSX.Element {
  const { kind, message, at, kept, other, logId, acknowledged } = finding;
  return (
    <article class={`panel trust-finding ${acknowledged ? "" : "trust-finding-open"}`}>
      <h3>
        <span aria-hidden="true">✘</span> {kind}
      </h3>
      <p>
        <Text text={message} />
      </p>
      <p class="quiet">
        Found at {at}. {acknowledged ? `You acknowledged it at ${acknowledged}.` : ""}
      </p>
      <p class="trust-actions">
        <button type="button" onClick={() => saveFile(`${logId}-before.checkpoint`, kept)}>
          Save the checkpoint seen before
        </button>
        {other && (
          <button type="button" onClick={() => saveFile(`${logId}-contradicting.checkpoint`, other)}>
            Save the checkpoint that contradicts it
          </button>
        )}
        {!acknowledged && (
          <button type="button" onClick={() => void acknowledge(finding)}>
            Acknowledge: keep the log as it is now
          </button>
        )}
      </p>
      {other && kind !== "BATCH_FOREIGN_SIGNED" && (
        <p>Two validly signed checkpoints that contradict each other prove this to anyone. Save both, then run:</p>
      )}
      <Command text={`lognotary verify --checkpoint ${logId}-before.checkpoint`} />
    </article>
  );
}
