/** The query, the range of time and the order, which are in the address of the page. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useShortcuts } from "../app/keyboard";
import { change } from "../app/location";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { hasTerm, toggled } from "../query/terms";
import type { Subject, View } from "./view";

const RANGES: [string, string][] = [
  ["", "all time"],
  ["1h", "last hour"],
  ["24h", "last 24 hours"],
  ["7d", "last 7 days"],
  ["30d", "last 30 days"],
];

/** What narrows the events of a page, and how they are shown. */
export function Controls({ subject, view }: { subject: Subject; view: View }): JSX.Element {
  const [query, setQuery] = useState(view.query);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => setQuery(view.query), [view.query]);
  useShortcuts(
    [
      { key: "/", does: "go to the query", run: () => field.current?.focus() },
      { key: "Escape", does: "leave the query", run: () => field.current?.blur(), whileTyping: true },
    ],
    [],
  );
  return (
    <div class="controls">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change({ q: query.trim() });
        }}
      >
        <label class="query">
          <span class="read-out">Query that events must match</span>
          <input
            ref={field}
            type="search"
            value={query}
            placeholder="query, such as outcome:failure"
            spellcheck={false}
            autocomplete="off"
            onInput={(event) => setQuery(event.currentTarget.value)}
          />
        </label>
        <button type="submit">Filter</button>
      </form>
      <Range view={view} />
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

function Range({ view }: { view: View }): JSX.Element {
  const isListed = !view.until && RANGES.some(([since]) => since === view.since);
  const [isOwn, setIsOwn] = useState(false);
  return (
    <div class="range">
      <label>
        <span class="read-out">Range of time</span>
        <select
          value={isListed && !isOwn ? view.since : "own"}
          onChange={(event) => {
            const since = event.currentTarget.value;
            setIsOwn(since === "own");
            if (since !== "own") change({ since, until: undefined });
          }}
        >
          {RANGES.map(([since, name]) => (
            <option key={since} value={since}>
              {name}
            </option>
          ))}
          <option value="own">from … until …</option>
        </select>
      </label>
      {(isOwn || !isListed) && (
        <form
          onSubmit={(event) => {
            event.preventDefault();
            const given = new FormData(event.currentTarget);
            change({ since: String(given.get("since")).trim(), until: String(given.get("until")).trim() });
            setIsOwn(false);
          }}
        >
          <label>
            from{" "}
            <input name="since" key={view.since} defaultValue={view.since} placeholder="2026-11-28T04:00:00Z or 7d" />
          </label>
          <label>
            until <input name="until" key={view.until} defaultValue={view.until} placeholder="now" />
          </label>
          <button type="submit">Apply</button>
        </form>
      )}
    </div>
  );
}
