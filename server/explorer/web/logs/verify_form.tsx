/** The choices before a verification. */
import type { JSX } from "preact";
import { change } from "../app/location";
import { counted } from "../shared/counted";
import { type Choices, type Given, linesOf } from "./choices";

interface Props {
  choices: Choices;
  given: Given;
  isRunning: boolean;
  onStart: () => void;
  onStop: () => void;
}

/** Range, logs, checkpoints and keys; each change is in the address. */
export function VerifyForm({ choices, given, isRunning, onStart, onStop }: Props): JSX.Element {
  return (
    <form
      class="panel verify-form"
      onSubmit={(event) => {
        event.preventDefault();
        onStart();
      }}
    >
      <fieldset disabled={isRunning}>
        <legend>What to verify</legend>
        <div class="fields">
          <label>
            received since{" "}
            <input
              value={choices.since}
              placeholder="the beginning; 7d"
              onChange={(event) => change({ since: event.currentTarget.value.trim() }, { replace: true })}
            />
          </label>
          <label>
            until{" "}
            <input
              value={choices.until}
              placeholder="now"
              onChange={(event) => change({ until: event.currentTarget.value.trim() }, { replace: true })}
            />
          </label>
        </div>
        <label class="block">
          Logs that must be there, one on a line (only this shows that a whole log was deleted)
          <textarea
            rows={2}
            value={choices.logs.join("\n")}
            placeholder="shop/audit/node-1"
            spellcheck={false}
            onChange={(event) => change({ log: linesOf(event.currentTarget.value).join() }, { replace: true })}
          />
        </label>
        <Choice
          isOn={choices.withCheckpoints && given.checkpoints.length > 0}
          isPossible={given.checkpoints.length > 0}
          onChange={(isOn) => change({ checkpoints: isOn ? undefined : "none" }, { replace: true })}
        >
          {given.checkpoints.length > 0
            ? `Compare with ${counted(given.checkpoints.length, "checkpoint")} that this browser remembers: only so it shows that records were cut off`
            : "This browser remembers no checkpoint yet; the server compares with those that it keeps itself"}
        </Choice>
        <Choice
          isOn={choices.withPins && given.publicKeys.length > 0}
          isPossible={given.publicKeys.length > 0}
          onChange={(isOn) => change({ keys: isOn ? "pinned" : undefined }, { replace: true })}
        >
          {given.publicKeys.length > 0
            ? `Believe only the ${counted(given.publicKeys.length, "key")} pinned in this browser, not the server's own`
            : "No key is pinned in this browser: the server's own keys are believed"}
        </Choice>
        <Choice
          isOn={choices.allLookups}
          isPossible
          onChange={(isOn) => change({ lookups: isOn ? "all" : undefined }, { replace: true })}
        >
          Look up every audit record as answers do (about 20 ms each), not two of each log
        </Choice>
      </fieldset>
      <p>
        {isRunning ? (
          <button type="button" onClick={onStop}>
            Stop
          </button>
        ) : (
          <button type="submit" class="primary">
            Verify
          </button>
        )}{" "}
        <span class="quiet">It runs while this page is open: leaving it, or loading it again, stops it.</span>
      </p>
    </form>
  );
}

function Choice({
  isOn,
  isPossible,
  onChange,
  children,
}: {
  isOn: boolean;
  isPossible: boolean;
  onChange: (isOn: boolean) => void;
  children: string;
}): JSX.Element {
  return (
    <label class="block choice">
      <input
        type="checkbox"
        checked={isOn}
        disabled={!isPossible}
        onChange={(event) => onChange(event.currentTarget.checked)}
      />
      {children}
    </label>
  );
}
