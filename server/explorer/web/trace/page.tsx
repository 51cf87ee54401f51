/** The page of a trace: what happened, who did it, and whether it can be proved. */
import type { JSX } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { ApiError } from "../api/client";
import { serverNow } from "../api/clock";
import { useShortcuts } from "../app/keyboard";
import { address, navigate } from "../app/location";
import { type Route, searchPath, tracePath } from "../app/routes";
import { Failure, Notice } from "../common/answer";
import { Command } from "../common/copy";
import { counted, shownNumber } from "../common/counted";
import { commandWith } from "../common/shell_words";
import { type Place, whyMisplaced } from "../trust/belongs";
import { useCheckOfAll } from "./check_all";
import { Controls } from "./controls";
import { isDoubtful } from "./filter";
import { Heading } from "./heading";
import { layoutOf } from "./layout";
import { type LoadedTrace, type Loading, useTrace } from "./load";
import { OverviewBar } from "./overview_bar";
import { Panel } from "./panel";
import { quietPeriods } from "./quiet";
import { summaryOf } from "./summary";
import { type TraceView, useTraceView } from "./view";
import { Waterfall } from "./waterfall";

export default function TracePage({ route }: { route: Extract<Route, { page: "trace" }> }): JSX.Element {
  const loading = useTrace(route.traceId);
  const { trace, error } = loading;
  useEffect(() => {
    // IDs may be given in other notations; the address has the canonical one.
    const isSame = !trace || trace.traceId === route.traceId;
    if (!isSame) navigate(tracePath(trace.traceId) + address.peek().search, { replace: true });
  }, [trace?.traceId, route.traceId]);
  if (trace) return <Loaded trace={trace} loading={loading} />;
  if (error) return <Missing traceId={route.traceId} error={error} retry={loading.readOn} />;
  return <p role="status">Reading the trace …</p>;
}

/** Traces up to this size are checked without being asked for. */
const CHECKED_UNASKED = 500;

function Loaded({ trace, loading }: { trace: LoadedTrace; loading: Loading }): JSX.Element {
  const layout = useMemo(() => layoutOf(trace.entries, serverNow()), [trace.entries]);
  const place = useMemo((): Place => ({ kind: "trace", id: trace.traceId }), [trace.traceId]);
  const misplaced = useMemo(
    () => new Set(trace.entries.filter((entry) => whyMisplaced(entry, place))),
    [trace.entries, place],
  );
  const summary = useMemo(() => summaryOf(layout, misplaced), [layout, misplaced]);
  const quiet = useMemo(() => quietPeriods(layout), [layout]);
  const check = useCheckOfAll(trace.entries, place);
  const refuted = useMemo(
    () => new Set([...misplaced, ...check.refuted].map(({ key }) => key)),
    [misplaced, check.refuted],
  );
  const view = useTraceView(layout, refuted, place);
  const table = useRef<HTMLTableElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const hasFindings = refuted.size > 0 || trace.entries.some(isDoubtful);
  const isReading = !trace.isComplete && !loading.error && !loading.isPaused;
  const all = trace.audits + trace.logs + trace.spans;
  useEffect(() => {
    if (trace.isComplete && trace.entries.length <= CHECKED_UNASKED) check.start();
  }, [trace.entries]);
  useEffect(() => {
    // On narrow screens the panel covers the lower half of the page: see panel.css.
    const isNarrow = matchMedia("(max-width: 69.99rem)").matches;
    if (view.selection.isOpen && isNarrow) table.current?.parentElement?.scrollIntoView({ block: "start" });
  }, [view.selection.isOpen]);
  useKeys(view, table, input);
  return (
    <article class={`trace ${view.selection.isOpen ? "has-panel" : ""}`}>
      <Heading trace={trace} view={view} summary={summary} quiet={quiet} check={check} />
      {isReading && (
        <p role="status" class="trace-reading">
          Reading: {shownNumber(trace.entries.length)} of {shownNumber(all)} entries{" "}
          <progress aria-label="Entries read" max={all} value={trace.entries.length} />
        </p>
      )}
      {loading.error && (
        <>
          <Failure error={loading.error} />
          <ReadOn read={trace.entries.length} all={all} onClick={loading.readOn} />
        </>
      )}
      {loading.isPaused && (
        <>
          <Notice kind="warning">
            This trace is very long, so reading it has stopped: what is below is only the part that was read.
          </Notice>
          <ReadOn read={trace.entries.length} all={all} onClick={loading.readOn} />
        </>
      )}
      {misplaced.size > 0 && (
        <Notice kind="error">
          {counted(misplaced.size, "entry is", "entries are")} not of this trace: the server put{" "}
          {misplaced.size === 1 ? "it" : "them"} here.{" "}
          <span class="key-hint">
            Press <kbd>u</kbd> for the next one.
          </span>
        </Notice>
      )}
      <OverviewBar view={view} quiet={quiet} />
      <Controls view={view} read={trace.entries.length} input={input} />
      <div class="trace-body">
        <Waterfall
          view={view}
          services={summary.services}
          isReading={isReading}
          hasFindings={hasFindings}
          table={table}
        />
        {view.selection.isOpen && <Panel view={view} isReading={isReading} />}
      </div>
      <Notice kind="note">
        Only stored records can be shown: <a href="/verify">verification</a> shows if one is missing. On the command
        line:
      </Notice>
      <Command text={commandWith(["lognotary", "trace"], trace.traceId)} />
    </article>
  );
}

function ReadOn({ read, all, onClick }: { read: number; all: number; onClick: () => void }): JSX.Element {
  return (
    <p>
      {shownNumber(read)} of {shownNumber(all)} entries were read.{" "}
      <button type="button" onClick={onClick}>
        read on
      </button>
    </p>
  );
}

function useKeys(
  view: TraceView,
  table: { current: HTMLTableElement | null },
  input: { current: HTMLInputElement | null },
): void {
  const latest = useRef(view);
  latest.current = view;
  const move = (run: (view: TraceView) => void) => () => {
    run(latest.current);
    table.current?.focus({ preventScroll: true });
  };
  useShortcuts(
    [
      { key: "j", does: "next entry", run: move((now) => now.moveBy(1)) },
      { key: "k", does: "previous entry", run: move((now) => now.moveBy(-1)) },
      { key: "e", does: "next error", run: move((now) => now.jump("error", 1)) },
      { key: "E", does: "previous error", run: move((now) => now.jump("error", -1)) },
      { key: "a", does: "next audit event", run: move((now) => now.jump("audit event", 1)) },
      { key: "A", does: "previous audit event", run: move((now) => now.jump("audit event", -1)) },
      { key: "u", does: "next entry that cannot be proved", run: move((now) => now.jump("unproved entry", 1)) },
      { key: "c", does: "collapse or expand all spans", run: move((now) => now.collapseAll(!now.collapsed.isAll)) },
      { key: "+", does: "zoom in", run: () => latest.current.zoomBy(0.5) },
      { key: "-", does: "zoom out", run: () => latest.current.filter.time && latest.current.zoomBy(2) },
      { key: "0", does: "show the whole trace", run: () => latest.current.zoomTo(undefined) },
      { key: "/", does: "find text in the entries", run: () => input.current?.focus() },
      {
        key: "Escape",
        does: "close the entry, leave the field",
        whileTyping: true,
        run: () => {
          if (document.activeElement === input.current) table.current?.focus({ preventScroll: true });
          else if (latest.current.selection.isOpen) {
            latest.current.selection.close();
            table.current?.focus({ preventScroll: true });
          }
        },
      },
    ],
    [],
  );
}

function Missing({ traceId, error, retry }: { traceId: string; error: Error; retry: () => void }): JSX.Element {
  const isMissing = error instanceof ApiError && (error.status === 404 || error.status === 400);
  return (
    <section>
      <h1>{isMissing ? "There is no such trace" : "The trace cannot be read"}</h1>
      <Failure error={error} />
      {isMissing ? (
        <ul>
          <li>
            <a href={searchPath(`trace:${traceId.replaceAll(/[\s"()]/g, "")}`)}>Search for its ID</a>, or for its
            beginning, such as <code>trace:4bf9*</code>
          </li>
          <li>
            <a href="/traces">List the traces</a> in which something happened
          </li>
          <li>
            Its records may have expired, or your role does not show their services: see <a href="/logs">the logs</a>
          </li>
        </ul>
      ) : (
        <button type="button" onClick={retry}>
          try again
        </button>
      )}
      <Command text={commandWith(["lognotary", "trace"], traceId)} />
    </section>
  );
}
