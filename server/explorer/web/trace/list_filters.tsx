/** The conditions of the list of traces, as fields to change them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { change } from "../app/location";
import { isWrongQuery, wrongColumn } from "../query/errors";
import { QueryLine } from "../query/query_line";
import type { TimeRange } from "../query/range";
import { keepQuery } from "../query/recent";
import { SyntaxHelp } from "../query/syntax_help";
import { TimePicker } from "../query/time_picker";
import { durationOf, type ListState } from "./list";

interface Props {
  state: ListState;
  /** The streams in which a match counts. */
  streams: readonly string[];
  range: TimeRange | undefined;
  error: Error | undefined;
  input: { current: HTMLInputElement | null };
}

const STREAMS: [string, string][] = [
  ["", "audit events and logs"],
  ["audit", "audit events"],
  ["operational", "logs"],
  ["spans", "spans"],
  ["audit,operational,spans", "all streams"],
];

export function ListFilters({ state, streams, range, error, input }: Props): JSX.Element {
  const [isHelpShown, showHelp] = useState(false);
  const ask = (query: string) => {
    keepQuery(query);
    change({ q: query.trim() });
  };
  return (
    <>
      <QueryLine
        query={state.query}
        streams={streams}
        since={range?.since}
        until={range?.until}
        error={isWrongQuery(error) ? { message: error.message, column: wrongColumn(error.message) } : undefined}
        onSearch={ask}
        onHelp={() => showHelp(true)}
        input={input}
      />
      <div class="trace-controls">
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
        <TimePicker
          since={state.since}
          until={state.until}
          resolved={range}
          onChange={(since, until) => change({ since, until })}
        />
        <label class="trace-check">
          <input
            type="checkbox"
            checked={state.errors}
            onChange={(event) => change({ errors: event.currentTarget.checked ? "1" : "" })}
          />{" "}
          with errors
        </label>
        <Least least={state.least} />
      </div>
      {isHelpShown && (
        <SyntaxHelp
          onClose={() => showHelp(false)}
          onExample={(query) => {
            showHelp(false);
            ask(query);
          }}
        />
      )}
    </>
  );
}

function Least({ least }: { least: string }): JSX.Element {
  const isWrong = least !== "" && durationOf(least) === undefined;
  return (
    <label>
      took at least{" "}
      <input
        size={7}
        placeholder="500ms"
        value={least}
        aria-invalid={isWrong}
        onChange={(event) => change({ least: event.currentTarget.value.trim() })}
      />
    </label>
  );
}
