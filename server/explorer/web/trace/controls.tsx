/** Filters of a trace, and the ways to what matters in it. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { change } from "../app/location";
import { counted, shownNumber } from "../common/counted";
import { isEverything, type ShownKinds } from "./filter";
import type { TraceView } from "./view";

interface Props {
  view: TraceView;
  /** Number of entries that were read. */
  read: number;
  /** The input of a text, which `/` focuses. */
  input: { current: HTMLInputElement | null };
}

const KINDS: [ShownKinds, string][] = [
  ["all", "all kinds"],
  ["audit", "audit events only"],
  ["records", "audit events and logs"],
  ["spans", "spans only"],
];

const CALM = 150; // milliseconds without a key, after which a text counts

export function Controls({ view, read, input }: Props): JSX.Element {
  const { filter, visible } = view;
  return (
    <search class="trace-controls" aria-label="Entries of the trace">
      <label>
        <span class="read-out">Kinds of entries</span>
        <select value={filter.kinds} onChange={(event) => change({ kinds: unless(event.currentTarget.value, "all") })}>
          {KINDS.map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="trace-check">
        <input
          type="checkbox"
          checked={filter.errors}
          onChange={(event) => change({ errors: event.currentTarget.checked ? "1" : "" })}
        />{" "}
        errors only
      </label>
      <TextFilter text={filter.text} input={input} />
      <span class="trace-group">
        <button type="button" onClick={() => view.jump("error", 1)}>
          next error <kbd>e</kbd>
        </button>
        <button type="button" onClick={() => view.jump("audit event", 1)}>
          next audit event <kbd>a</kbd>
        </button>
        <button type="button" onClick={() => view.collapseAll(!view.collapsed.isAll)}>
          {view.collapsed.isAll ? "expand all" : "collapse all"} <kbd>c</kbd>
        </button>
      </span>
      <span role="status" class="quiet">
        {isEverything(filter) ? "" : `${shownNumber(visible.count)} of ${counted(read, "entry", "entries")}`}
      </span>
      {!isEverything(filter) && (
        <button
          type="button"
          onClick={() => change({ kinds: "", service: "", errors: "", text: "", from: "", to: "" })}
        >
          show everything
        </button>
      )}
    </search>
  );
}

function TextFilter({ text, input }: { text: string; input: Props["input"] }): JSX.Element {
  const [typed, setTyped] = useState(text);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const written = useRef(text);
  useEffect(() => {
    if (text !== written.current) setTyped(text); // back, forward, or "show everything"
    written.current = text;
  }, [text]);
  useEffect(() => () => clearTimeout(timer.current), []);
  return (
    <label>
      <span class="read-out">Text in entries</span>
      <input
        ref={input}
        type="search"
        placeholder="text in entries"
        value={typed}
        onInput={(event) => {
          const { value } = event.currentTarget;
          setTyped(value);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => {
            written.current = value;
            change({ text: value }, { replace: true });
          }, CALM);
        }}
      />
    </label>
  );
}

const unless = (value: string, usual: string): string => (value === usual ? "" : value);
