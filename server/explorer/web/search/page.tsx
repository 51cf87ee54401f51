/** The search page: everything in one place, and all of its state in the URL. */
import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { serverNow } from "../api/clock";
import { useShortcuts } from "../app/keyboard";
import { change, parameters } from "../app/location";
import { readableStreams } from "../app/session";
import { Failure, Notice } from "../common/answer";
import type { Entry } from "../common/entry";
import { isWrongQuery, wrongColumn } from "../query/errors";
import { QueryLine } from "../query/query_line";
import { keepQuery } from "../query/recent";
import { SyntaxHelp } from "../query/syntax_help";
import { hasTerm, withoutTerm, withTerm } from "../query/terms";
import { setColumns } from "./choices";
import { ExportDialog } from "./export_dialog";
import { Found } from "./found";
import { Live } from "./live";
import { closePanel, Panel } from "./panel";
import { DEFAULT_COLUMNS, type Search, type SearchState, searchOf, stateOf } from "./query";
import { Toolbar } from "./toolbar";

export default function Page(): JSX.Element {
  const readable = useMemo(readableStreams, []);
  const state = stateOf(parameters.value, readable);
  const [run, setRun] = useState(0);
  const { search, problem } = useSearch(state, run);
  const [failure, setFailure] = useState<Error>();
  const [dialog, setDialog] = useState<"syntax" | "export">();
  const [entries, setEntries] = useState<readonly Entry[]>([]);
  const [current, setCurrent] = useState(-1);
  const input = useRef<HTMLInputElement>(null);
  const body = useRef<HTMLDivElement>(null);

  useEffect(() => setFailure(undefined), [search]);
  useEffect(() => setCurrent(-1), [search, state.isLive]);

  const ask = useCallback((text: string) => {
    const query = text.trim();
    keepQuery(query);
    if (query === (parameters.peek().get("q") ?? "")) setRun((before) => before + 1);
    else change({ q: query, open: undefined, near: undefined });
  }, []);
  const toggle = useCallback((term: string) => {
    const query = parameters.peek().get("q") ?? "";
    change({ q: hasTerm(query, term) ? withoutTerm(query, term) : withTerm(query, term) });
  }, []);
  const add = useCallback((term: string) => change({ q: withTerm(parameters.peek().get("q") ?? "", term) }), []);
  const setRange = useCallback((since: string, until: string) => change({ since, until }), []);
  const openPlace = useCallback((place: string) => {
    // Records one after the other are one step back in the history.
    change({ open: place }, { replace: parameters.peek().has("open") });
  }, []);
  const toggleColumn = (column: string) => setColumns(toggled(state.columns, column));

  useRowKeys({ entries, current, setCurrent, isOpen: state.open !== "", openPlace, body });
  useShortcuts([{ key: "/", does: "write a query", run: () => input.current?.focus() }], []);
  useShortcuts(
    [
      {
        key: "Escape",
        does: "close completions, leave the query, close the record",
        run: () => {
          closePanel();
          body.current?.querySelector<HTMLElement>(`[data-row="${current}"]`)?.focus({ preventScroll: true });
        },
      },
    ],
    [current],
  );

  const openRow = (entry: Entry, at: number) => {
    setCurrent(at);
    openPlace(entry.key);
  };
  const error =
    isWrongQuery(failure) && search
      ? { message: failure.message, column: wrongColumn(failure.message, search.before) }
      : undefined;
  return (
    <div class={`search fills-window${state.open ? " with-record" : ""}`}>
      <h1 class="read-out">Search</h1>
      <QueryLine
        query={state.query}
        streams={state.streams}
        since={search?.since}
        until={search?.until}
        error={error}
        onSearch={ask}
        onHelp={() => setDialog("syntax")}
        input={input}
      />
      <Toolbar
        state={state}
        readable={readable}
        search={search}
        onRange={setRange}
        onExport={() => setDialog("export")}
      />
      {problem && <Notice kind="error">{problem}</Notice>}
      {failure && !error && <Failure error={failure} />}
      <div class="search-body">
        {state.isLive ? (
          <Live state={state} current={current} onOpen={openRow} onEntries={setEntries} body={body} />
        ) : (
          search && (
            <Found
              {...{ search, state, readable, current, body }}
              onOpen={openRow}
              onPlace={openPlace}
              onEntries={setEntries}
              onFailure={setFailure}
              onTerm={toggle}
              onRange={setRange}
            />
          )
        )}
        {state.open && (
          <Panel
            open={state.open}
            entries={entries}
            streams={readable}
            columns={state.columns}
            onTerm={add}
            onColumn={toggleColumn}
            onClose={closePanel}
          />
        )}
      </div>
      {dialog === "syntax" && (
        <SyntaxHelp
          onClose={() => setDialog(undefined)}
          onExample={(query) => {
            setDialog(undefined);
            ask(query);
          }}
        />
      )}
      {dialog === "export" && search && <ExportDialog search={search} onClose={() => setDialog(undefined)} />}
    </div>
  );
}

/** The search of a state; it is another one if what it finds may be another. */
function useSearch(state: SearchState, run: number): { search: Search | undefined; problem: string } {
  const { query, streams, since, until, oldestFirst, withAccess } = state;
  return useMemo(() => {
    try {
      return { search: searchOf(state, serverNow()), problem: "" };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { search: undefined, problem: error.message };
    }
  }, [query, streams.join(), since, until, oldestFirst, withAccess, run]);
}

/** The columns without one that they have, or with one that they do not have. */
function toggled(columns: readonly string[], column: string): readonly string[] {
  if (!columns.includes(column)) return [...columns, column];
  const left = columns.filter((other) => other !== column);
  return left.length ? left : DEFAULT_COLUMNS;
}

interface RowKeys {
  entries: readonly Entry[];
  current: number;
  setCurrent: (at: number) => void;
  isOpen: boolean;
  openPlace: (place: string) => void;
  body: { current: HTMLElement | null };
}

/** Keys that move between rows; with a record open, they open the next one. */
function useRowKeys({ entries, current, setCurrent, isOpen, openPlace, body }: RowKeys): void {
  const move = (step: number) => {
    const at = Math.min(Math.max(current + step, 0), entries.length - 1);
    const entry = entries[at];
    if (!entry) return;
    setCurrent(at);
    if (isOpen) openPlace(entry.key);
  };
  const isInRows = () => Boolean(body.current?.contains(document.activeElement));
  const inputs = [entries, current, isOpen];
  useShortcuts(
    [
      { key: "j", does: "next record", run: () => move(1) },
      { key: "k", does: "previous record", run: () => move(-1) },
      {
        key: "Enter",
        does: "open the record",
        run: () => {
          const entry = entries[current];
          if (entry) openPlace(entry.key);
        },
      },
    ],
    inputs,
  );
  useLayoutEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
      if (!step || !isInRows() || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      event.preventDefault();
      move(step);
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, inputs);
}
