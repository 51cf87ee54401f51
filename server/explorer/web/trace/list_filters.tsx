/** What the list of traces is about. */
import type { JSX } from "preact";
import { change } from "../app/location";
import type { ListState } from "./list";
import { PRESETS } from "./list_range";

interface Props {
  state: ListState;
  input: { current: HTMLInputElement | null };
}

const STREAMS: [string, string][] = [
  ["", "audit events and logs"],
  ["audit", "audit events"],
  ["operational", "logs"],
  ["spans", "spans"],
  ["audit,operational,spans", "anything"],
];

export function ListFilters({ state, input }: Props): JSX.Element {
  return (
    <form
      class="trace-controls"
      onSubmit={(event) => {
        event.preventDefault();
        const form = new FormData(event.currentTarget);
        change({ q: String(form.get("q") ?? "").trim(), least: String(form.get("least") ?? "").trim() });
      }}
    >
      <label class="wide">
        <span class="read-out">Query that an entry of the trace matches</span>
        <input
          ref={input}
          type="search"
          name="q"
          placeholder="query, such as actor:alice or severity:>=error"
          value={state.query}
        />
      </label>
      <label>
        <span class="read-out">Where the query matches</span>
        <select value={state.streams} onChange={(event) => change({ streams: event.currentTarget.value })}>
          {STREAMS.map(([value, name]) => (
            <option key={value} value={value}>
              in {name}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span class="read-out">Time</span>
        <select value={state.since} onChange={(event) => change({ since: event.currentTarget.value, until: "" })}>
          {PRESETS.map((preset) => (
            <option key={preset} value={preset}>
              last {preset}
            </option>
          ))}
          <option value="any">any time</option>
          {!PRESETS.includes(state.since) && state.since !== "any" && (
            <option value={state.since}>since {state.since.slice(0, 30)}</option>
          )}
        </select>
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={state.errors}
          onChange={(event) => change({ errors: event.currentTarget.checked ? "1" : "" })}
        />{" "}
        with errors
      </label>
      <label>
        took at least <input name="least" size={7} placeholder="500ms" value={state.least} />
      </label>
      <button type="submit" class="primary">
        Find
      </button>
    </form>
  );
}
