/** The steps of the check, with their verdicts in text and shape. */
import type { JSX } from "preact";
import { Text } from "../common/text";
import { type ShownStep, type Standing, shownSteps } from "./standing";

const STATES: Record<ShownStep["state"], { shape: string; word: string }> = {
  holds: { shape: "✔", word: "holds" },
  fails: { shape: "✘", word: "does not hold" },
  open: { shape: "◐", word: "needs a key" },
  skipped: { shape: "·", word: "not checked" },
  nothing: { shape: "·", word: "nothing to check" },
};

const NOTES: Record<string, string> = {
  "README.txt": "for people; it is not evidence",
  "verifier-keys.txt": "the keys that the log claims to have; it is not evidence",
  "timestamp.tsr": "a timestamp of the checkpoint (RFC 3161), see below",
};

/** The table of the steps, and what nobody checked. */
export function Steps({ standing }: { standing: Standing }): JSX.Element {
  const { notChecked } = standing.report;
  return (
    <section aria-labelledby="steps-heading">
      <h2 id="steps-heading">What was checked</h2>
      <table class="steps">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Verdict</th>
            <th scope="col">Because</th>
          </tr>
        </thead>
        <tbody>
          {shownSteps(standing).map(({ name, state, detail }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={`step-state step-${state}`}>
                <span aria-hidden="true">{STATES[state].shape}</span> {STATES[state].word}
              </td>
              <td>
                <Text text={detail} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {notChecked.length > 0 && (
        <>
          <h3>Not checked by this page</h3>
          <ul>
            {notChecked.map((what) => (
              <li key={what}>
                <Text text={what} />
                {Object.hasOwn(NOTES, what) && `: ${NOTES[what]}`}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}
