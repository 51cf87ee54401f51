/** A checkpoint in full, with its signatures and cosignatures. */
import type { JSX } from "preact";
import type { Checkpoint } from "../api/types";
import { Failure, useAnswer } from "../common/answer";
import { Copy } from "../common/copy";
import { counted, shownNumber } from "../common/counted";
import { Text } from "../common/text";
import { base64Of, hexOf, numberOf } from "../proof/bytes";
import { type Checkpoint as Parsed, parseCheckpoint } from "../proof/checkpoint";
import { signedBy } from "../proof/cosignature";
import { type Key, parseVerifierKey } from "../proof/keys";
import type { NoteSignature } from "../proof/note";
import { Ago } from "./ago";

const COSIGNATURE_BYTES = 72; // 8 of the time, 64 of the signature (C2SP tlog-cosignature)

/** The latest checkpoint of a log. */
export function CheckpointView({ answer, now }: { answer: Checkpoint; now: bigint }): JSX.Element {
  const parsed = parsedOf(answer.checkpoint);
  if (parsed instanceof Error) return <Failure error={parsed} />;
  const root = base64Of(parsed.root);
  return (
    <>
      <dl class="log-facts">
        <dt>size</dt>
        <dd>
          {counted(parsed.size, "entry", "entries")} in {counted(answer.sequence, "batch", "batches")}
        </dd>
        <dt>root</dt>
        <dd>
          <code class="digest">{root}</code> <Copy text={root} /> <Copy text={hexOf(parsed.root)} label="copy as hex" />
        </dd>
        <dt>last record received</dt>
        <dd>
          <Ago at={answer.ingestedAt} now={now} />
        </dd>
        <dt>timestamp</dt>
        <dd>
          {answer.timestamp
            ? `of a timestamp authority (RFC 3161), ${shownNumber(Math.floor((answer.timestamp.length * 3) / 4))} bytes`
            : "none"}
        </dd>
      </dl>
      <pre class="signed-note">
        <Text text={answer.checkpoint} most={20_000} />
      </pre>
      <p>
        <Copy text={answer.checkpoint} label="copy checkpoint" />{" "}
        <a class="button" href={`/tlog/${answer.logId}/checkpoint`} download={`checkpoint-${answer.logId}`}>
          download checkpoint
        </a>{" "}
        <span class="quiet">
          Keep it outside the storage: verification with it shows that nothing before it was changed or cut off.
        </span>
      </p>
      <h3>Signatures</h3>
      <Signatures checkpoint={parsed} keys={answer.verifierKeys} now={now} />
    </>
  );
}

function parsedOf(note: string): Parsed | Error {
  try {
    return parseCheckpoint(note, "the checkpoint");
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function Signatures({
  checkpoint,
  keys,
  now,
}: {
  checkpoint: Parsed;
  keys: readonly string[];
  now: bigint;
}): JSX.Element {
  const results = useAnswer(() => resultsOf(checkpoint, keys), [checkpoint.text, keys.join()]);
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">signer</th>
            <th scope="col">key ID</th>
            <th scope="col">kind</th>
            <th scope="col">time</th>
            <th scope="col">in this browser</th>
          </tr>
        </thead>
        <tbody>
          {checkpoint.signatures.map((signature) => (
            <tr key={`${signature.name} ${signature.keyId}`}>
              <th scope="row">
                <Text text={signature.name} most={200} />
              </th>
              <td>
                <code>{signature.keyId}</code>
              </td>
              <td>{signature.name === checkpoint.origin ? "the log's key" : "witness"}</td>
              <td>
                <Ago at={timeOf(signature)} now={now} />
              </td>
              <td>
                {results.state === "there"
                  ? (results.value.get(`${signature.name} ${signature.keyId}`) ??
                    "not checked: no key of this signer is known here")
                  : "…"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Time of a cosignature, in nanoseconds since 1970; undefined for a signature without a time. */
function timeOf({ signature }: NoteSignature): bigint | undefined {
  if (signature.length !== COSIGNATURE_BYTES) return undefined;
  return numberOf(signature.subarray(0, 8)) * 1_000_000_000n;
}

/** Results of checking the signatures in this browser, by name and ID of the key: others may write the same ID. */
async function resultsOf(checkpoint: Parsed, texts: readonly string[]): Promise<Map<string, string>> {
  const results = new Map<string, string>();
  for (const text of texts) {
    const key = await parseVerifierKey(text);
    results.set(`${key.name} ${key.id}`, await resultOf(checkpoint, key));
  }
  return results;
}

async function resultOf(checkpoint: Parsed, key: Key): Promise<string> {
  try {
    const { kind } = await signedBy(checkpoint, key);
    if (kind === "valid") return "the signature fits the key that the server lists";
    return kind === "unchecked" ? "not checked: no browser can check ML-DSA-44 yet" : "not signed";
  } catch (error) {
    return `✘ ${error instanceof Error ? error.message : String(error)}`;
  }
}
