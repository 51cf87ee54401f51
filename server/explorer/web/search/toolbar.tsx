/** Streams, range of time, live tail, columns and export. */
import type { JSX } from "preact";
import { change } from "../app/location";
import type { Stream } from "../shared/entry";
import { STREAM_MARKS } from "../shared/streams";
import { ColumnMenu } from "./column_menu";
import { setColumns } from "./page";
import { namesAccess, type SearchState } from "./query";
import type { TimeRange } from "./range";
import { TimePicker } from "./time_picker";

interface ToolbarProps {
  state: SearchState;
  readable: readonly Stream[];
  range: TimeRange | undefined;
  onRange: (since: string, until: string) => void;
  onExport: () => void;
}

const NAMES: Readonly<Record<Stream, string>> = { audit: "Audit", operational: "Logs", spans: "Spans" };

export function Toolbar({ state, readable, range, onRange, onExport }: ToolbarProps): JSX.Element {
  const { streams, since, until, isLive } = state;
  const choose = (stream: Stream) => {
    const chosen = streams.includes(stream) ? streams.filter((other) => other !== stream) : [...streams, stream];
    if (chosen.length) setStreams(readable.filter((each) => chosen.includes(each)));
  };
  return (
    <div class="toolbar">
      <fieldset class="choices">
        <legend class="read-out">Streams</legend>
        {readable.map((stream) => (
          <label key={stream} class={`stream-choice stream-${stream}`}>
            <input type="checkbox" checked={streams.includes(stream)} onChange={() => choose(stream)} />{" "}
            <span aria-hidden="true">{STREAM_MARKS[stream].shape}</span> {NAMES[stream]}
          </label>
        ))}
        {streams.includes("audit") && !namesAccess(state.query) && (
          <label title="the server's own records of searches, logins and changes">
            <input
              type="checkbox"
              checked={state.withAccess}
              onChange={() => change({ access: state.withAccess ? undefined : "1" })}
            />{" "}
            with who looked
          </label>
        )}
      </fieldset>
      {!isLive && <TimePicker {...{ since, until }} resolved={range} onChange={onRange} />}
      <button
        type="button"
        aria-pressed={isLive}
        onClick={() => change({ live: isLive ? undefined : "1", open: undefined, near: undefined })}
      >
        <span aria-hidden="true">{isLive ? "■" : "▶"}</span> {isLive ? "Stop live tail" : "Live tail"}
      </button>
      <span class="spring" />
      <ColumnMenu columns={state.columns} onChange={setColumns} />
      <label>
        <input
          type="checkbox"
          checked={state.wraps}
          onChange={() => change({ wrap: state.wraps ? undefined : "1" }, { replace: true })}
        />{" "}
        wrap
      </label>
      {!isLive && (
        <button type="button" onClick={onExport}>
          Export …
        </button>
      )}
    </div>
  );
}

/** Choose the streams to search. */
export function setStreams(streams: readonly Stream[]): void {
  change({ streams: streams.join() === "audit,operational" ? undefined : streams.join() });
}
