/** The field for the keys: they are pasted, or dropped anywhere on the page as files. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { Text } from "../common/text";
import { fingerprintOf, type Key, labelOf } from "../proof/keys";
import type { GivenKeys } from "./given_keys";

const LARGEST = 1 << 20; // bytes of a file of keys

/** The field. `error` is the reason for which its text is not a key; empty if there is nothing wrong. */
export function KeyForm(props: {
  text: string;
  onChange: (text: string) => void;
  error: string;
  given: GivenKeys;
}): JSX.Element {
  const { text, onChange, error, given } = props;
  const [fileError, setFileError] = useState("");
  const latest = useRef(props);
  latest.current = props;
  const take = async (files: Iterable<File>) => {
    const parts: string[] = [];
    for (const file of files) {
      if (file.size > LARGEST) {
        setFileError(`${file.name} is larger than a file of keys`);
        return;
      }
      parts.push(await file.text());
    }
    setFileError("");
    const before = latest.current.text.trim();
    latest.current.onChange([...(before ? [before] : []), ...parts].join("\n"));
  };
  useDrop(take);
  const problem = fileError || error;
  return (
    <section class="panel" aria-labelledby="key-heading">
      <h2 id="key-heading">The key that it is checked against</h2>
      <div class="key-form">
        <label for="key">
          Public key of the log's owner (PEM, or verifier key), from the owner and not from whoever sent this file. Keys
          of witnesses may follow, one a line.
        </label>
        <textarea
          id="key"
          rows={4}
          spellcheck={false}
          autocomplete="off"
          value={text}
          onInput={(event) => onChange(event.currentTarget.value)}
          aria-invalid={problem !== ""}
          aria-describedby="key-problem"
        />
        <p>
          <label class="button">
            Choose a file of keys
            <input
              class="read-out"
              type="file"
              multiple
              onChange={(event) => {
                void take(event.currentTarget.files ?? []);
                event.currentTarget.value = "";
              }}
            />
          </label>{" "}
          <span class="quiet">or drop it anywhere on this page</span>{" "}
          {text && (
            <button type="button" onClick={() => onChange("")}>
              Clear
            </button>
          )}
        </p>
        <p id="key-problem" role="alert" class={problem ? "notice notice-error" : ""}>
          {problem && <Text text={problem} />}
        </p>
      </div>
      <GivenList title="Key of the log" keys={given.keys} />
      <GivenList title="Key of a witness" keys={given.witnesses} />
      {!given.keys.length && <p class="on-paper">No key was given when this page was printed.</p>}
    </section>
  );
}

function GivenList({ title, keys }: { title: string; keys: readonly Key[] }): JSX.Element | null {
  const [fingerprints, setFingerprints] = useState<string[]>([]);
  useEffect(() => {
    void Promise.all(keys.map(fingerprintOf)).then(setFingerprints);
  }, [keys]);
  if (!keys.length) return null;
  return (
    <ul class="given-keys">
      {keys.map((key, at) => (
        <li key={labelOf(key)}>
          {title}
          {key.name && (
            <>
              {" "}
              <Text text={key.name} />
            </>
          )}
          , fingerprint <code>{fingerprints[at] ?? "…"}</code>
        </li>
      ))}
    </ul>
  );
}

/** Take files that are dropped on the page, which a browser would otherwise open in its place. */
function useDrop(take: (files: Iterable<File>) => Promise<void>): void {
  const latest = useRef(take);
  latest.current = take;
  useEffect(() => {
    const permit = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length) void latest.current(files);
    };
    addEventListener("dragover", permit);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", permit);
      removeEventListener("drop", drop);
    };
  }, []);
}
