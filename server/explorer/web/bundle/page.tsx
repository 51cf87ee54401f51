/** The page of a bundle: the verdict, the key that it is checked against, the record, and what is not proved. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Text } from "../common/text";
import type { ReadRecord } from "../proof/readable";
import { useCheck, useRecord } from "./checking";
import type { Files } from "./files";
import { KeyForm } from "./key_form";
import { Limits } from "./limits";
import { Place } from "./place";
import { RecordFields } from "./record_fields";
import { SavedFiles } from "./saved_files";
import { Steps } from "./steps";
import { VerdictPanel } from "./verdict_panel";

/** The page of a bundle that can be read, whether or not it proves anything. */
export function BundlePage({ files, fileName }: { files: Files; fileName: string }): JSX.Element {
  const [keyText, setKeyText] = useState("");
  const record = useRecord(files);
  const { standing, given, keyError } = useCheck(files, record?.origin, keyText);
  const name = record && `${record.origin}#${record.leafIndex}`;
  useEffect(() => {
    if (name) document.title = `Evidence of ${name}`;
  }, [name]);
  const kind = keyError ? "waiting" : (standing?.kind ?? "waiting");
  return (
    <>
      <header>
        <h1>Evidence of a record</h1>
        {name && (
          <p class="mono">
            <Text text={name} />
          </p>
        )}
        {record && <Summary record={record} />}
      </header>
      <main>
        <VerdictPanel standing={standing} record={record} given={given} hasKeyError={keyError !== ""} />
        <KeyForm text={keyText} onChange={setKeyText} error={keyError} given={given} />
        {record && <RecordFields record={record} isProved={kind === "proved"} disclosed={standing?.report.disclosed} />}
        {standing && !keyError && <Steps standing={standing} />}
        <Place files={files} record={record} />
        <Limits fileName={fileName} files={files} />
        <SavedFiles files={files} />
      </main>
    </>
  );
}

/** The page of a file whose bundle cannot be read. */
export function UnreadablePage({ message }: { message: string }): JSX.Element {
  return (
    <main>
      <h1>Evidence of a record</h1>
      <section class="verdict verdict-refuted" role="alert">
        <p class="verdict-word">
          <span aria-hidden="true">✘</span> There is nothing to check in this file
        </p>
        <p>
          <Text text={message} />
        </p>
        <p>Ask for the bundle again, as a zip file: zip files are not altered on the way.</p>
      </section>
    </main>
  );
}

const SUMMED = ["ServiceName", "Action", "SpanName", "ActorId", "TargetId", "Outcome"];

/** One line that says what the record is about, as far as it says so itself. */
function Summary({ record }: { record: ReadRecord }): JSX.Element {
  const words = SUMMED.flatMap((name) => {
    const value = record.columns.get(name)?.value;
    return value instanceof Uint8Array && value.length ? [new TextDecoder().decode(value.subarray(0, 400))] : [];
  });
  return (
    <p class="summary">
      {words.map((word, at) => (
        <span key={SUMMED[at]}>
          {at > 0 && " · "}
          <Text text={word} most={100} />
        </span>
      ))}
    </p>
  );
}
