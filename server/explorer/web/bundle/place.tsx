/** The record's place: its log, its leaf, the checkpoint with its signatures, key changes and timestamp. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { Text } from "../common/text";
import { TimestampCommands } from "../common/timestamp_commands";
import { base64Of, textOf } from "../proof/bytes";
import { type Checkpoint, parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import type { ReadRecord } from "../proof/readable";
import type { Files } from "./files";
import { useTimestamp } from "./timestamp";

/** The section; all of it is what the file says, which the steps of the check confirm or refute. */
export function Place({ files, record }: { files: Files; record: ReadRecord | undefined }): JSX.Element | null {
  const checkpoint = useMemo(() => checkpointIn(files), [files]);
  const timestamp = useTimestamp(files["timestamp.tsr"], checkpoint?.text);
  if (!checkpoint) return null;
  const changes = Object.keys(files).filter((name) => name.startsWith("key-changes/")).length;
  return (
    <section aria-labelledby="place-heading">
      <h2 id="place-heading">Its place in the log</h2>
      <dl class="place">
        <dt>Log</dt>
        <dd class="mono">
          <Text text={checkpoint.origin} />
        </dd>
        {record && (
          <>
            <dt>Leaf</dt>
            <dd>
              {String(record.leafIndex)}, counted from 0; canonical record of version {record.version}
            </dd>
            <dt>SHA-256 of the record</dt>
            <dd class="mono">{record.entry}</dd>
          </>
        )}
        <dt>Checkpoint</dt>
        <dd>
          after {String(checkpoint.size)} {checkpoint.size === 1n ? "entry" : "entries"}, root hash{" "}
          <span class="mono">{base64Of(checkpoint.root)}</span>
        </dd>
        <dt>Signatures</dt>
        <dd>
          <ul>
            {checkpoint.signatures.map(({ name, keyId, signature }) => (
              <li key={`${name}+${keyId} ${signature.length}`} class="mono">
                <Text text={`${name}+${keyId}`} />
                {name !== checkpoint.origin && " (a witness)"}
              </li>
            ))}
          </ul>
        </dd>
        <dt>Key changes</dt>
        <dd>{changes || "none"}</dd>
        <dt>Timestamp</dt>
        <dd>{"timestamp.tsr" in files ? <Text text={`RFC 3161: ${timestamp}`} /> : "none"}</dd>
      </dl>
      {"timestamp.tsr" in files && (
        <>
          <p>To check the timestamp, save the files below, and get the certificates of the authority that made it:</p>
          <TimestampCommands />
        </>
      )}
      <details>
        <summary>The checkpoint, as it was signed</summary>
        <pre>
          <Text text={textOf(files.checkpoint ?? new Uint8Array()) ?? ""} most={20_000} />
        </pre>
      </details>
    </section>
  );
}

function checkpointIn(files: Files): Checkpoint | undefined {
  try {
    return parseCheckpoint(textOf(files.checkpoint ?? new Uint8Array()) ?? "", "checkpoint");
  } catch (error) {
    if (error instanceof VerificationError) return undefined;
    throw error;
  }
}
