/** The line in which a query is written, with completion (a combobox of WAI-ARIA) and errors at their place. */
import type { JSX } from "preact";
import { useEffect, useId, useMemo, useState } from "preact/hooks";
import { useShortcuts } from "../app/keyboard";
import { Text } from "../common/text";
import { type Context, completed, contextAt, type Suggestion } from "./completion";
import { withoutColumn } from "./errors";
import { recentQueries } from "./recent";
import { useSuggestions } from "./suggestions";

interface QueryLineProps {
  /** The query of the URL. */
  query: string;
  streams: readonly string[];
  /** Ends of the range of time whose values are suggested. */
  since?: string;
  until?: string;
  error?: { message: string; column?: number };
  onSearch: (query: string) => void;
  onHelp: () => void;
  input: { current: HTMLInputElement | null };
  placeholder?: string;
}

export function QueryLine({
  query,
  streams,
  since,
  until,
  error,
  onSearch,
  onHelp,
  input,
  placeholder = "All records. For example: refused, actor:alice, severity:>=error, -outcome:success",
}: QueryLineProps): JSX.Element {
  const [text, setText] = useState(query);
  const [cursor, setCursor] = useState(query.length);
  const [isOpen, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const id = useId();
  useEffect(() => setText(query), [query]);
  const context = useMemo<Context>(() => contextAt(text, cursor), [text, cursor]);
  const found = useSuggestions(isOpen ? context : undefined, streams, since, until);
  const recent = useMemo(() => (isOpen && text === "" ? recentSuggestions() : []), [isOpen, text]);
  const suggestions = [...recent, ...found];
  const shown = isOpen && suggestions.length > 0;
  const chosen = shown ? suggestions[active] : undefined;

  const accept = (suggestion: Suggestion) => {
    const place = context.kind === "nothing" ? undefined : context;
    const next = recent.includes(suggestion)
      ? { query: suggestion.insert, cursor: suggestion.insert.length }
      : place
        ? completed(text, place, suggestion)
        : { query: text, cursor };
    setText(next.query);
    setCursor(next.cursor);
    setActive(-1);
    setOpen(next.query.endsWith(":"));
    // The field has its new value only after it is rendered.
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(next.cursor, next.cursor);
    });
  };
  const search = () => {
    setOpen(false);
    setActive(-1);
    setText(text.trim());
    onSearch(text);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (step && (shown || step > 0)) {
      setOpen(true);
      const count = suggestions.length + 1; // one place is that of the text itself
      if (shown) setActive(((active + 1 + step + count) % count) - 1);
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen) accept(chosen);
    else if (event.key === "Enter") search();
    else if (event.key === "Escape" && shown) setOpen(false);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  // The first Esc closes the completions, in onKeyDown.
  useShortcuts(
    [{ key: "Escape", does: "leave the query", run: () => input.current?.blur(), whileTyping: true }],
    [input],
  );
  const follow = ({ currentTarget }: { currentTarget: HTMLInputElement }) =>
    setCursor(currentTarget.selectionStart ?? 0);
  return (
    <search class="query-line">
      <label class="read-out" for={`${id}-input`}>
        Query
      </label>
      <input
        id={`${id}-input`}
        ref={input}
        class="mono"
        type="text"
        role="combobox"
        autocomplete="off"
        autocapitalize="off"
        spellcheck={false}
        maxLength={4096}
        placeholder={placeholder}
        value={text}
        aria-expanded={shown}
        aria-controls={`${id}-list`}
        aria-autocomplete="list"
        aria-activedescendant={chosen ? `${id}-${active}` : undefined}
        aria-invalid={error !== undefined}
        aria-describedby={error ? `${id}-error` : undefined}
        onInput={(event) => {
          setText(event.currentTarget.value);
          follow(event);
          setOpen(true);
          setActive(-1);
        }}
        onKeyDown={onKeyDown}
        onKeyUp={follow}
        onClick={(event) => {
          follow(event);
          setOpen(true);
        }}
        onBlur={() => setOpen(false)}
      />
      <button type="button" class="primary" onClick={search}>
        Search
      </button>
      <button type="button" onClick={onHelp}>
        Syntax
      </button>
      <div id={`${id}-list`} role="listbox" aria-label="Completions" class="completions" hidden={!shown}>
        {shown &&
          suggestions.map((suggestion, at) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: keys are those of the combobox
            <div
              key={`${suggestion.note} ${suggestion.insert}`}
              id={`${id}-${at}`}
              role="option"
              tabIndex={-1}
              aria-selected={at === active}
              onMouseDown={(event) => event.preventDefault()}
              onClick={() => accept(suggestion)}
            >
              <span class="mono">
                <Text text={suggestion.label} most={120} />
              </span>{" "}
              <span class="quiet">{suggestion.note}</span>
            </div>
          ))}
      </div>
      {error && <QueryError id={`${id}-error`} query={query} {...error} />}
    </search>
  );
}

function recentSuggestions(): Suggestion[] {
  return recentQueries()
    .slice(0, 8)
    .map((query) => ({ insert: query, label: query, note: "recent" }));
}

/** An error of a query, with the wrong place in it. */
function QueryError({
  id,
  query,
  message,
  column,
}: {
  id: string;
  query: string;
  message: string;
  column?: number;
}): JSX.Element {
  const signs = [...query];
  const start = column === undefined ? 0 : Math.min(column - 1, signs.length);
  const from = Math.max(start - 60, 0);
  return (
    <div id={id} class="notice notice-error" role="alert">
      {column !== undefined && (
        <code class="wrong-place">
          {from > 0 && "…"}
          <Text text={signs.slice(from, start).join("")} />
          <mark>{signs[start] ? <Text text={wordAt(signs, start)} /> : <span aria-hidden="true">▁</span>}</mark>
          <Text text={signs.slice(start + wordAt(signs, start).length, start + 80).join("")} />
        </code>
      )}
      <strong>{column === undefined ? "Error" : `Column ${column}`}:</strong> <Text text={withoutColumn(message)} />
    </div>
  );
}

function wordAt(signs: readonly string[], start: number): string {
  const length = signs.slice(start).findIndex((sign, at) => at > 0 && /[\s:()]/.test(sign));
  return signs.slice(start, length < 0 ? Math.min(start + 40, signs.length) : start + length).join("");
}
