/** A run of verification, with its progress. */
import type { JSX } from "preact";
import { get } from "../api/client";
import { serverNow } from "../api/clock";
import type { Logs } from "../api/types";
import { parameters } from "../app/location";
import { useAnswer } from "../common/answer";
import { Command } from "../common/copy";
import { saveFile } from "../common/saving";
import { type Choices, choicesOf, commandFor, filesFor, type Given, requestOf } from "./choices";
import { latest } from "./part";
import { useGiven } from "./remembered";
import { RunView } from "./run_view";
import { useRun } from "./use_run";
import { VerifyForm } from "./verify_form";

export default function Page(): JSX.Element {
  const running = useRun();
  const given = useGiven();
  const choices = choicesOf(parameters.value);
  const logs = useAnswer((signal) => get<Logs>("/api/v1/logs", {}, signal), []);
  // The last change of a field may not be rendered yet.
  const start = () => running.start(requestOf(choicesOf(parameters.peek()), given, serverNow()));
  return (
    <article class="logs-page verify">
      <h1>Verify</h1>
      <p>
        The server reads all that is stored, and compares it with what was signed: every batch, record and statement of
        every log.
      </p>
      <VerifyForm
        choices={choices}
        given={given}
        isRunning={running.state === "running"}
        onStart={start}
        onStop={running.stop}
      />
      <RunView running={running} logs={latest(logs)?.logs ?? []} />
      <h2>The same on the command line</h2>
      <Command text={commandFor(choices, given)} />
      <Files choices={choices} given={given} />
      <p class="quiet">
        With <code>--storage URL</code> and <code>--public-key FILE</code> it reads the storage directly, and trusts no
        server.
      </p>
    </article>
  );
}

function Files({ choices, given }: { choices: Choices; given: Given }): JSX.Element | null {
  const files = filesFor(choices, given);
  if (!files.length) return null;
  return (
    <p class="links">
      Save the files that the command names first:
      {files.map(({ name, text }) => (
        <button key={name} type="button" onClick={() => saveFile(name, text)}>
          {name}
        </button>
      ))}
    </p>
  );
}
