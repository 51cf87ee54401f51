/** The proof of a record: each step from its bytes to the signatures, with what this browser computed. */

import type { ComponentChildren, JSX } from "preact";
import { Copy } from "../common/copy";
import { shownNumber } from "../common/counted";
import { Text } from "../common/text";
import { TimestampCommands } from "../common/timestamp_commands";
import { areEqual, base64Of, hexOf } from "../proof/bytes";
import { labelOf } from "../proof/keys";
import { noteOf } from "../proof/note";
import type { Checked } from "./check";
import { Hash, Seconds } from "./hash";
import type { CheckedSignature, SignatureState } from "./signers";
import { Tree } from "./tree";

interface ProofProps {
  checked: Checked;
  /** True if the server did not say who else vouches for the checkpoint, since the reader may not ask for proofs. */
  isLimited: boolean;
}

/** The proof, drawn from the record down to the signatures. */
export function ProofView({ checked, isLimited }: ProofProps): JSX.Element {
  const { checkpoint, signatures } = checked;
  const isOfLog = signatures.filter(({ isWitness }) => !isWitness);
  return (
    <div class="proof">
      <RecordStep checked={checked} />
      <Step title="Path to the root" note="each hash is SHA-256(01 ‖ left ‖ right) (RFC 6962)">
        <Tree checked={checked} />
      </Step>
      <Step title="Checkpoint" note="the signed state of the log">
        <dl class="proof-facts">
          <dt>log</dt>
          <dd>
            <Text text={checkpoint.origin} />
          </dd>
          <dt>entries</dt>
          <dd>{shownNumber(checkpoint.size)}</dd>
          <dt>root hash</dt>
          <dd>
            <Hash bytes={checkpoint.root} of="the root" /> <span class="quiet">in base64 in the checkpoint:</span>{" "}
            <code class="text">{base64Of(checkpoint.root)}</code>
          </dd>
        </dl>
        <details>
          <summary>the signed note</summary>
          <pre class="note-text">
            <Text text={noteOf(checkpoint)} most={20_000} />
          </pre>
          <Copy text={noteOf(checkpoint)} label="copy note" />
        </details>
      </Step>
      <Step title="Signatures of the log">
        <Signatures signatures={isOfLog} />
      </Step>
      {isLimited ? (
        <Step title="Witnesses, timestamps, key changes">
          <p class="quiet">Only readers with the role auditor may see them.</p>
        </Step>
      ) : (
        <Vouchers checked={checked} />
      )}
    </div>
  );
}

/** Witnesses and timestamp of the checkpoint, and the key changes of its log. */
function Vouchers({ checked: { signatures, timestamp, changes, outcome } }: { checked: Checked }): JSX.Element {
  const ofWitnesses = signatures.filter(({ isWitness }) => isWitness);
  return (
    <>
      <Step title="Witnesses">
        {ofWitnesses.length ? (
          <>
            <Signatures signatures={ofWitnesses} />
            <p class="quiet">
              Witnesses' keys are not known to this page. Check them with <code>lognotary check --witness KEY</code>.
            </p>
          </>
        ) : (
          <p class="quiet">The server shows no witness that cosigned this checkpoint.</p>
        )}
      </Step>
      <Step title="Timestamp">
        {timestamp ? (
          <TimestampView timestamp={timestamp} />
        ) : (
          <p class="quiet">The server shows no timestamp of this checkpoint.</p>
        )}
      </Step>
      <Step title="Key changes">
        {changes.length ? (
          <>
            {outcome.kind !== "refuted" && (
              <p class="quiet">Computed here: each is signed by the keys before it and the keys after it.</p>
            )}
            <ol>
              {changes.map(({ number, checkpoint: { size }, before, after }) => (
                <li key={String(number)}>
                  at {shownNumber(size)} {size === 1n ? "entry" : "entries"}, from{" "}
                  <Text text={before.map(labelOf).join(" and ")} /> to <Text text={after.map(labelOf).join(" and ")} />
                </li>
              ))}
            </ol>
          </>
        ) : (
          <p class="quiet">The server names no change of the log's keys, and this browser has seen none.</p>
        )}
      </Step>
    </>
  );
}

function RecordStep({ checked: { entry, computedLeaf, saidLeaf, record } }: { checked: Checked }): JSX.Element {
  if (!entry || !computedLeaf) {
    return (
      <Step title="Record and leaf">
        <p>
          The record's content is not stored any more. In the log is its leaf: <Hash bytes={saidLeaf} of="the leaf" />
        </p>
      </Step>
    );
  }
  const isSame = areEqual(computedLeaf, saidLeaf);
  return (
    <Step title="Record and leaf" note="computed here from the record's bytes">
      <dl class="proof-facts">
        <dt>record</dt>
        <dd>
          SHA-256 <Hash bytes={entry} of="the record" />
          {record && <span class="quiet"> canonical record, version {record.version}</span>}
        </dd>
        <dt>leaf</dt>
        <dd>
          SHA-256(00 ‖ hash of the record) <Hash bytes={computedLeaf} of="the leaf, computed here" />{" "}
          {isSame ? (
            <span class="step-mark step-good">✔ computed here, and equal to the leaf in the log</span>
          ) : (
            <span class="step-mark step-bad">✘ not the leaf in the log</span>
          )}
        </dd>
        {!isSame && (
          <>
            <dt>in the log</dt>
            <dd>
              <Hash bytes={saidLeaf} of="the leaf in the log" />{" "}
              <span class="quiet">the drawing below begins with this one</span>
            </dd>
          </>
        )}
      </dl>
    </Step>
  );
}

function Step({ title, note, children }: { title: string; note?: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="proof-step">
      <h3>
        {title} {note && <span class="quiet">{note}</span>}
      </h3>
      {children}
    </section>
  );
}

const STATES: Record<SignatureState, [string, string]> = {
  pinned: ["step-good", "✔ valid, by a key that you pinned"],
  said: ["step-open", "◐ valid, by a key that only this server names"],
  wrong: ["step-bad", "✘ wrong: it is not a signature of this checkpoint"],
  unchecked: ["step-open", "◌ not checked: ML-DSA-44 needs 'lognotary check'"],
  unknown: ["step-open", "◌ not checked: its key is not known here"],
};

function Signatures({ signatures }: { signatures: readonly CheckedSignature[] }): JSX.Element {
  return (
    <table class="signatures">
      <thead>
        <tr>
          <th scope="col">Key</th>
          <th scope="col">Fingerprint</th>
          <th scope="col">Signature</th>
          <th scope="col">Signed at</th>
        </tr>
      </thead>
      <tbody>
        {signatures.map(({ name, keyId, state, fingerprint, time }, at) => (
          <tr key={at}>
            <td>
              <Text text={`${name}+${keyId}`} />
            </td>
            <td>{fingerprint ? <code>{fingerprint}</code> : <span class="quiet">not known</span>}</td>
            <td class={`step-mark ${STATES[state][0]}`}>{STATES[state][1]}</td>
            <td>
              {time ? (
                <Seconds since1970={time} />
              ) : (
                <span class="quiet">{state === "unknown" ? "not known" : "has no time"}</span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function TimestampView({ timestamp }: { timestamp: NonNullable<Checked["timestamp"]> }): JSX.Element {
  if ("problem" in timestamp) return <p class="step-mark step-bad">✘ It cannot be read: {timestamp.problem}.</p>;
  return (
    <>
      <p>
        RFC 3161, at <Text text={timestamp.time} />.{" "}
        {timestamp.isOf === "this text" ? (
          <span class="step-mark step-good">✔ made for this checkpoint: the hashes are equal</span>
        ) : timestamp.isOf === "another text" ? (
          <span class="step-mark step-bad">✘ made for something else: its hash is not that of this checkpoint</span>
        ) : (
          <span class="step-mark step-open">
            ◌ made for a hash that is not SHA-256, which this page does not compare
          </span>
        )}
      </p>
      <p class="step-mark step-open">
        ◌ The authority's signature is not checked in the browser. To check it, unpack the bundle (zip) and run, with
        the authority's root certificate in <code>certificates.pem</code>:
      </p>
      <TimestampCommands />
    </>
  );
}

/** The hash of a record in hexadecimal digits, as `sha256sum` prints it. */
export const entryDigits = ({ entry }: Checked): string => (entry ? hexOf(entry) : "");
