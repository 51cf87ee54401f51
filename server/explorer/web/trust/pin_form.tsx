/** The ways to pin a key: its fingerprint, its text, a file, or a QR code. */
import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { ApiError, get } from "../api/client";
import type { Logs } from "../api/types";
import { Notice } from "../common/answer";
import { Command } from "../common/copy";
import { VerificationError } from "../proof/errors";
import { fingerprintOf, type Key, parseKeys } from "../proof/keys";
import { Camera } from "./camera";
import { FileInput } from "./file_input";
import { keyWithFingerprint, pin, requirePinnable, type Way } from "./pinned_keys";
import { textInPicture } from "./qr";

type Said = { kind: "note" | "error"; text: string } | undefined;

export function PinForm(): JSX.Element {
  const [said, setSaid] = useState<Said>();
  const [name, setName] = useState("");
  const [films, setFilms] = useState(false);
  const attempt = async (way: Way, find: () => Promise<readonly Key[]>) => {
    setSaid(undefined);
    try {
      const keys = await find();
      for (const key of keys) requirePinnable(key);
      for (const key of keys) await pin(key, name, way);
      const fingerprints = await Promise.all(keys.map(fingerprintOf));
      const compared =
        way === "fingerprint" ? "" : " Compare the fingerprint with the one that the server's operator gave you.";
      setSaid({ kind: "note", text: `pinned ${[...new Set(fingerprints)].join(", ")}.${compared}` });
    } catch (error) {
      if (!(error instanceof VerificationError || error instanceof ApiError)) throw error;
      setSaid({ kind: "error", text: error.message });
    }
  };
  return (
    <div class="panel">
      <h3>Pin a key</h3>
      <p>
        Get the fingerprint from whoever runs the server, through another channel than this page: on paper, by phone, in
        a signed message. On the server, this command prints it, and names the file of the public key:{" "}
        <code>keys/public-key.pem</code> in the server's data directory, unless it is configured otherwise. The page
        never needs the signing key, which is private.
      </p>
      <Command text="lognotary keys list" />
      <p>
        A verifier key (<code>name+1234abcd+…</code>) may sign only the log that it is named after: if a server has
        several logs, give the verifier keys of all of them. Neither a PEM file nor a fingerprint names a log: such a
        key may sign every log that is shown here.
      </p>
      <Field label="Name for the key (optional)">
        <input type="text" value={name} maxLength={100} onInput={(event) => setName(event.currentTarget.value)} />
      </Field>
      <OneText
        label="Fingerprint: 16 or 64 hexadecimal digits"
        button="Pin by fingerprint"
        onText={(text) => attempt("fingerprint", async () => [await keyWithFingerprint(text, await offeredKeys())])}
      />
      <OneText
        label="Key: a PEM file's text, or verifier keys, one a line"
        button="Pin the pasted key"
        isLong
        onText={(text) => attempt("pasted", () => parseKeys(text))}
      />
      <div class="trust-row">
        <FileInput
          label="Key from a file"
          accept=".pem,.pub,.txt,.vkey,text/plain"
          onFile={(file) => void attempt("file", async () => parseKeys(await file.text()))}
        />
        <FileInput
          label="Key from a picture of a QR code"
          accept="image/*"
          onFile={(file) => void attempt("QR code", async () => parseKeys(await textInPicture(file)))}
        />
        {"mediaDevices" in navigator && (
          <button type="button" aria-expanded={films} onClick={() => setFilms(!films)}>
            {films ? "Stop the camera" : "Read a QR code with the camera"}
          </button>
        )}
      </div>
      {films && (
        <Camera
          onText={(text) => {
            setFilms(false);
            void attempt("QR code", () => parseKeys(text));
          }}
          onFailure={(text) => {
            setFilms(false);
            setSaid({ kind: "error", text });
          }}
        />
      )}
      <div role="status">{said && <Notice kind={said.kind}>{said.text}</Notice>}</div>
    </div>
  );
}

function Field({ label, children }: { label: string; children: ComponentChildren }): JSX.Element {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the control is the child
    <label class="trust-field">
      <span>{label}</span>
      {children}
    </label>
  );
}

function OneText(props: {
  label: string;
  button: string;
  isLong?: boolean;
  onText: (text: string) => Promise<void>;
}): JSX.Element {
  const input = useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  return (
    <form
      class="trust-row"
      onSubmit={(event) => {
        event.preventDefault();
        void props.onText(input.current?.value ?? "");
      }}
    >
      <Field label={props.label}>
        {props.isLong ? (
          <textarea ref={input} rows={4} required spellcheck={false} />
        ) : (
          <input ref={input} type="text" required spellcheck={false} autocomplete="off" />
        )}
      </Field>
      <button type="submit">{props.button}</button>
    </form>
  );
}

/** The keys that the server offers, of all its logs. Throws ApiError. */
async function offeredKeys(): Promise<string[]> {
  const { logs = [] } = await get<Logs>("/api/v1/logs");
  return logs.flatMap(({ verifierKeys }) => verifierKeys);
}
