/** The range of time of a search: relative, or between two times. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { serverNow } from "../api/clock";
import { zone } from "../app/preferences";
import { lengthOf } from "../common/age";
import { Menu } from "../common/menu";
import { nanosOf, zoneName } from "../common/time";
import { ANY, fromLocalText, localText, PRESETS, rangeName, type TimeRange, zoomedOut } from "./range";

interface TimePickerProps {
  since: string;
  until: string;
  /**
   * The range as it was resolved, which the fields of an absolute one begin with; undefined for texts that are none.
   */
  resolved: TimeRange | undefined;
  onChange: (since: string, until: string) => void;
}

export function TimePicker({ since, until, resolved, onChange }: TimePickerProps): JSX.Element {
  const zoomOut = () => {
    const next = zoomedOut(since, until, serverNow());
    onChange(next.since, next.until);
  };
  return (
    <div class="time-picker">
      <Menu label={rangeName(since, until, zone.value)} name="Range of time">
        {(close) => (
          <RangeForm
            {...{ since, until, resolved }}
            onChange={(...range) => {
              close();
              onChange(...range);
            }}
          />
        )}
      </Menu>
      <button type="button" onClick={zoomOut} disabled={since === ANY || !resolved} title="twice as long">
        Zoom out
      </button>
    </div>
  );
}

function RangeForm({ since, until, resolved, onChange }: TimePickerProps): JSX.Element {
  const shown = zone.value;
  const text = (end: string | undefined) => (end ? localText(nanosOf(end), shown) : "");
  const [length, setLength] = useState(lengthOf(since) === undefined ? "" : since);
  const [from, setFrom] = useState(text(resolved?.since));
  const [to, setTo] = useState(until && until !== ANY ? text(resolved?.until) : "");
  const [problem, setProblem] = useState("");
  const useLength = (event: Event) => {
    event.preventDefault();
    if (lengthOf(length) === undefined) setProblem("Write a number with s, m, h, d or w, such as 90m.");
    else onChange(length.trim(), "");
  };
  const useTimes = (event: Event) => {
    event.preventDefault();
    const start = from ? fromLocalText(from, shown) : ANY;
    const end = to ? fromLocalText(to, shown) : "";
    if (start === undefined || end === undefined) setProblem("Write both times as date and time.");
    else if (start !== ANY && end && start >= end) setProblem("The range ends before it begins.");
    else onChange(start, end);
  };
  return (
    <>
      <fieldset class="presets">
        <legend>Until now</legend>
        {PRESETS.map((preset) => (
          <button
            key={preset}
            type="button"
            aria-pressed={since === preset && !until}
            onClick={() => onChange(preset, "")}
          >
            {preset}
          </button>
        ))}
        <button type="button" aria-pressed={since === ANY && !until} onClick={() => onChange(ANY, "")}>
          all
        </button>
      </fieldset>
      <form onSubmit={useLength}>
        <label>
          Last{" "}
          <input size={6} value={length} placeholder="90m" onInput={(event) => setLength(event.currentTarget.value)} />
        </label>{" "}
        <button type="submit">Use</button>
      </form>
      <form onSubmit={useTimes}>
        <fieldset>
          <legend>Between two times ({zoneName(serverNow(), shown)})</legend>
          <label>
            From{" "}
            <input
              type="datetime-local"
              step="1"
              value={from}
              onInput={(event) => setFrom(event.currentTarget.value)}
            />
          </label>
          <label>
            To <input type="datetime-local" step="1" value={to} onInput={(event) => setTo(event.currentTarget.value)} />
          </label>
          <p class="quiet">Without a first time, from the first record; without a last one, until now.</p>
          <button type="submit">Use</button>{" "}
          {until && until !== ANY && (
            <button type="button" onClick={() => onChange(since, "")}>
              Until now
            </button>
          )}
        </fieldset>
      </form>
      {problem && <p role="alert">{problem}</p>}
    </>
  );
}
