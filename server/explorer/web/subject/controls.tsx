/** The query, the range of time and the order, which are in the address of the page. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { useShortcuts } from "../app/keyboard";
import { change } from "../app/location";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { isWrongQuery, wrongColumn } from "../query/errors";
import { QueryLine } from "../query/query_line";
import { ANY } from "../query/range";
import { keepQuery } from "../query/recent";
import { SyntaxHelp } from "../query/syntax_help";
import { hasTerm, toggled } from "../query/terms";
import { TimePicker } from "../query/time_picker";
import { rangeIn, type Subject, type View } from "./view";

const STREAMS = ["audit"];

interface Props {
  subject: Subject;
  view: View;
  now: bigint;
  /** The error of the events, which is shown here if it is about the query. */
  error: Error | undefined;
}

/** Query, range of time and order. */
export function Controls({ subject, view, now, error }: Props): JSX.Element {
  const [isHelpShown, showHelp] = useState(false);
  const input = useRef<HTMLInputElement>(null);
  const { since, until, resolved } = rangeIn(view, now);
  const ask = (text: string) => {
    keepQuery(text);
    change({ q: text.trim() });
  };
  useShortcuts(
    [
      { key: "/", does: "write a query", run: () => input.current?.focus() },
      { key: "Escape", does: "leave the query", run: () => input.current?.blur(), whileTyping: true },
    ],
    [],
  );
  return (
    <div class="controls">
      <QueryLine
        query={view.query.trim()}
        streams={STREAMS}
        since={resolved?.since}
        until={resolved?.until}
        placeholder="All events. For example: outcome:failure, action:role.*, source:203.0.113.7"
        error={isWrongQuery(error) ? { message: error.message, column: wrongColumn(error.message) } : undefined}
        onSearch={ask}
        onHelp={() => showHelp(true)}
        input={input}
      />
      <TimePicker
        since={since}
        until={until}
        resolved={resolved}
        onChange={(from, to) => change({ since: from === ANY ? undefined : from, until: to })}
      />
      <div class="choices">
        <label>
          <input
            type="checkbox"
            checked={view.isOldestFirst}
            onChange={(event) => change({ order: event.currentTarget.checked ? "oldest" : undefined })}
          />
          oldest first
        </label>
        <label>
          <input
            type="checkbox"
            checked={view.isGrouped}
            onChange={(event) => change({ group: event.currentTarget.checked ? "session" : "none" })}
          />
          group by session
        </label>
        <Toggle query={view.query} term="outcome:failure">
          failures only
        </Toggle>
        <Toggle query={view.query} term={WITHOUT_WHO_LOOKED}>
          without who looked
        </Toggle>
        {subject.kind === "actor" && (
          <Toggle query={view.query} term="effective_actor:*">
            only on behalf of others
          </Toggle>
        )}
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

/** A button that adds a term to the query, or takes it out. */
function Toggle({ query, term, children }: { query: string; term: string; children: string }): JSX.Element {
  return (
    <button
      type="button"
      title={term}
      aria-pressed={hasTerm(query, term)}
      onClick={() => change({ q: toggled(query, term) })}
    >
      {children}
    </button>
  );
}
