/** Findings about logs, with their evidence. */
import type { JSX } from "preact";
import { hasRole } from "../app/session";
import { Command } from "../common/copy";
import { saveFile } from "../common/saving";
import { Text } from "../common/text";
import { acceptKeys, acknowledge } from "./checkpoints";
import { forAuditors, mayRead } from "./reader";
import { logFindings } from "./state";
import type { LogFinding } from "./witness";

export function FindingsSection(): JSX.Element | null {
  const all = logFindings.value.toReversed();
  if (!all.length) return null;
  const findings = all.filter(mayRead);
  const others = all.length - findings.length;
  return (
    <section id="findings" aria-labelledby="findings-title">
      <h2 id="findings-title">Findings of this browser</h2>
      {findings.map((finding) => (
        <Finding key={finding.id} finding={finding} />
      ))}
      {others > 0 && <p>{forAuditors(others)}.</p>}
    </section>
  );
}

function Finding({ finding }: { finding: LogFinding }): JSX.Element {
  const { kind, message, at, kept, other, logId, acknowledged, acknowledgedBy } = finding;
  const isOpen = !acknowledged && hasRole("auditor");
  return (
    <article class={`panel trust-finding ${acknowledged ? "" : "trust-finding-open"}`}>
      <h3>
        <span aria-hidden="true">✘</span> {kind}
      </h3>
      <p>
        <Text text={message} />
      </p>
      <p class="quiet">
        Found at {at}.{" "}
        {acknowledged && <Text text={`Acknowledged at ${acknowledged} by ${acknowledgedBy || "a reader"}.`} />}
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
        {isOpen && (
          <button type="button" onClick={() => void acknowledge(finding)}>
            {kind === "BATCH_FOREIGN_SIGNED" ? "Acknowledge" : "Acknowledge: accept the log as it is now"}
          </button>
        )}
      </p>
      {!acknowledged && !hasRole("auditor") && <p class="quiet">An auditor can acknowledge it here.</p>}
      {hasRole("auditor") && kind === "BATCH_FOREIGN_SIGNED" && <NewKeys finding={finding} />}
      {other && kind !== "BATCH_FOREIGN_SIGNED" && (
        <p>Two validly signed checkpoints that contradict each other prove this to anyone. Save both, then run:</p>
      )}
      <Command text={`lognotary verify --checkpoint ${logId}-before.checkpoint`} />
    </article>
  );
}

/** The way out for a server that lost its keys. Whoever stole the old ones hopes for it, so it takes two steps. */
function NewKeys({ finding }: { finding: LogFinding }): JSX.Element {
  return (
    <details>
      <summary>The log has begun again with other keys</summary>
      <p>
        This browser then forgets the log with all changes of its keys: keys that were replaced are believed again. Do
        this only if whoever runs the server told you, not by this page, why its keys are other ones.
      </p>
      <button type="button" onClick={() => void acceptKeys(finding)}>
        Forget the log and the changes of its keys
      </button>
    </details>
  );
}
