/** The choices before a verification. */
import type { JSX } from "preact";
import { change } from "../app/location";
import { counted } from "../common/counted";
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
          Logs that must be there, one per line (this is the only way to notice that a whole log was deleted)
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
            ? `Compare with ${counted(given.checkpoints.length, "checkpoint")} kept by this browser: without one, nobody would notice that the newest records were deleted`
            : "This browser keeps no checkpoint yet; the server compares with those that it keeps itself"}
        </Choice>
        <Choice
          isOn={choices.withPins && given.publicKeys.length > 0}
          isPossible={given.publicKeys.length > 0}
          onChange={(isOn) => change({ keys: isOn ? undefined : "server" }, { replace: true })}
        >
          {given.publicKeys.length > 0
            ? `Trust only ${counted(given.publicKeys.length, "key")} pinned in this browser, not the server's own keys`
            : "No key is pinned in this browser: the server's own keys are trusted"}
        </Choice>
        <Choice
          isOn={choices.allLookups}
          isPossible
          onChange={(isOn) => change({ lookups: isOn ? "all" : undefined }, { replace: true })}
        >
          Replay the lookup of every audit record (about 20 ms each) instead of two in each log
        </Choice>
      </fieldset>
      <p>
        {/* Two buttons, not one that changes: the click that stops must not be the one that begins again. */}
        {isRunning ? (
          <button key="stop" type="button" onClick={onStop}>
            Stop
          </button>
        ) : (
          <button key="start" type="submit" class="primary">
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
