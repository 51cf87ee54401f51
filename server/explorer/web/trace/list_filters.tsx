/** What the list of traces is about. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiError } from "../api/client";
import { change } from "../app/location";
import { wrongColumn } from "../search/query";
import { QueryLine } from "../search/query_line";
import type { TimeRange } from "../search/range";
import { keepQuery } from "../search/recent";
import { SyntaxHelp } from "../search/syntax_help";
import { TimePicker } from "../search/time_picker";
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
  // The query line, the picker and the help are those of the search, with its styles, which apply only in its class.
  return (
    <div class="feature-search">
      <QueryLine
        query={state.query}
        streams={streams}
        since={range?.since}
        until={range?.until}
        error={
          isWrongQuery(error) ? { message: error.message, column: wrongColumn(error.message, NOTHING) } : undefined
        }
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
    </div>
  );
}

/** Nothing stands before the query that the reader wrote. */
const NOTHING = { before: 0 };

/** Return whether an error is about the query, which shows it at its place. */
export const isWrongQuery = (error: Error | undefined): error is ApiError =>
  error instanceof ApiError && error.message.startsWith("query:");

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
