/** The keys that signed a checkpoint, with their fingerprints, and whether this browser has them pinned. */
import type { JSX } from "preact";
import { Failure, useAnswer } from "../common/answer";
import { Copy } from "../common/copy";
import { Text } from "../common/text";
import { COSIGNATURE, ED25519, fingerprintOf, parseVerifierKey } from "../proof/keys";
import { usePinnedFingerprints } from "./remembered";

const TYPES: Record<number, string> = { [ED25519]: "Ed25519", [COSIGNATURE]: "cosignature, Ed25519" };

/** A key as it is listed. */
interface ListedKey {
  readonly text: string;
  readonly name: string;
  readonly id: string;
  readonly type: string;
  readonly fingerprint: string;
}

/** Keys from the verifier keys that the server lists. Throws VerificationError if one is none. */
function listedKeys(texts: readonly string[]): Promise<ListedKey[]> {
  return Promise.all(
    texts.map(async (text) => {
      const key = await parseVerifierKey(text);
      const fingerprint = await fingerprintOf(key);
      return { text, name: key.name, id: key.id, type: TYPES[key.type] ?? "ML-DSA-44", fingerprint };
    }),
  );
}

/** Fingerprints of the keys that signed, in the cell of a table. */
export function SignedBy({ keys }: { keys: readonly string[] }): JSX.Element {
  const answer = useAnswer(() => listedKeys(keys), [keys.join()]);
  if (answer.state === "failed")
    return (
      <span class="bad">
        <Text text={answer.error.message} most={300} />
      </span>
    );
  if (answer.state === "waiting") return <span class="quiet">…</span>;
  if (!answer.value.length) return <span class="bad">by no known key</span>;
  return (
    <ul class="plain">
      {answer.value.map(({ text, fingerprint }) => (
        <li key={text}>
          <code>{fingerprint}</code> <PinnedMark fingerprint={fingerprint} />
        </li>
      ))}
    </ul>
  );
}

/** Says whether the reader pinned a key in this browser. */
function PinnedMark({ fingerprint }: { fingerprint: string }): JSX.Element | null {
  const pinned = usePinnedFingerprints();
  if (!pinned) return null;
  return pinned.has(fingerprint) ? (
    <span class="pinned">
      <span aria-hidden="true">◆ </span>pinned here
    </span>
  ) : (
    <a class="quiet" href="/trust">
      not pinned here
    </a>
  );
}

/** All that there is to know of the listed keys. */
export function KeyTable({ keys }: { keys: readonly string[] }): JSX.Element {
  const answer = useAnswer(() => listedKeys(keys), [keys.join()]);
  if (answer.state === "failed") return <Failure error={answer.error} />;
  if (answer.state === "waiting") return <p class="quiet">Loading …</p>;
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">fingerprint</th>
            <th scope="col">type</th>
            <th scope="col">in this browser</th>
            <th scope="col">name and ID</th>
            <th scope="col">verifier key</th>
          </tr>
        </thead>
        <tbody>
          {answer.value.map((key) => (
            <tr key={key.text}>
              <th scope="row">
                <code>{key.fingerprint}</code>
              </th>
              <td>{key.type}</td>
              <td>
                <PinnedMark fingerprint={key.fingerprint} />
              </td>
              <td>
                <Text text={`${key.name}+${key.id}`} />
              </td>
              <td>
                <Copy text={key.text} label="copy key" />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
