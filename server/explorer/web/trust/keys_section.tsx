/** The pinned keys. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Notice } from "../common/answer";
import { saveFile } from "../common/saving";
import { Text } from "../common/text";
import { isKept } from "./database";
import { PinForm } from "./pin_form";
import { type PinnedKey, textOfPinned, unpin } from "./pinned_keys";
import { pathOfSquares, squaresOf } from "./qr";
import { pinnedKeys } from "./state";

export function KeysSection(): JSX.Element {
  const keys = pinnedKeys.value ?? [];
  const [lasts, setLasts] = useState(true);
  useEffect(() => void isKept().then(setLasts), []);
  return (
    <section id="keys" aria-labelledby="keys-title-trust">
      <h2 id="keys-title-trust">Pinned keys</h2>
      {keys.length === 0 ? (
        <p>
          No key is pinned. Until you pin one, records can fit their proofs and signatures, but only the server says
          that the key is the right one.
        </p>
      ) : (
        <div class="trust-scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Key</th>
                <th scope="col">Fingerprint</th>
                <th scope="col">May sign</th>
                <th scope="col">Pinned</th>
                <th scope="col">Actions</th>
              </tr>
            </thead>
            <tbody>
              {keys.map((key) => (
                <PinnedRow key={key.fingerprint} pinned={key} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {!lasts && (
        <p>This browser keeps nothing for this page: pinned keys and checkpoints are lost when it is closed.</p>
      )}
      <PinForm />
    </section>
  );
}

function PinnedRow({ pinned }: { pinned: PinnedKey }): JSX.Element {
  const { fingerprint, name, way, since, logs } = pinned;
  const [path, setPath] = useState<{ d: string; size: number }>();
  const [isTooLong, setTooLong] = useState(false);
  const show = async () => {
    const squares = await squaresOf(await textOfPinned(pinned));
    setTooLong(!squares);
    if (squares) setPath({ d: pathOfSquares(squares), size: squares.length });
  };
  const save = async () => saveFile(`${fingerprint}.${logs?.length ? "vkey" : "pem"}`, await textOfPinned(pinned));
  return (
    <>
      <tr>
        <th scope="row">
          <Text text={name} />
        </th>
        <td>
          <code>{fingerprint}</code>
        </td>
        <td>{logs?.length ? <Text text={logs.join(", ")} /> : "every log"}</td>
        <td>
          {since.slice(0, 10)}, by {way}
        </td>
        <td>
          <div class="trust-actions">
            <button
              type="button"
              aria-expanded={path !== undefined}
              onClick={() => (path ? setPath(undefined) : void show())}
            >
              QR code
            </button>
            <button type="button" onClick={() => void save()}>
              Save
            </button>
            <button type="button" onClick={() => void unpin(fingerprint)}>
              Unpin
            </button>
          </div>
          {isTooLong && (
            <Notice kind="warning">It may sign more logs than a QR code has room for: save it as a file.</Notice>
          )}
        </td>
      </tr>
      {path && (
        <tr>
          <td colSpan={5}>
            <svg class="trust-code" viewBox={`0 0 ${path.size} ${path.size}`} role="img">
              <title>{`QR code of the key ${fingerprint}: scan it to pin the key in another browser`}</title>
              <rect width={path.size} height={path.size} fill="white" />
              <path d={path.d} fill="black" />
            </svg>
          </td>
        </tr>
      )}
    </>
  );
}
