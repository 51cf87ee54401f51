/** Streams, range of time, live tail, columns and export. */
import type { JSX } from "preact";
import { change } from "../app/location";
import type { Stream } from "../common/entry";
import { STREAM_MARKS } from "../common/streams";
import { TimePicker } from "../query/time_picker";
import { setColumns, setStreams } from "./choices";
import { ColumnMenu } from "./column_menu";
import { CommandMenu } from "./command_menu";
import { namesAccess, type Search, type SearchState } from "./query";
import { SearchesMenu } from "./searches_menu";

interface ToolbarProps {
  state: SearchState;
  readable: readonly Stream[];
  search: Search | undefined;
  onRange: (since: string, until: string) => void;
  onExport: () => void;
}

const NAMES: Readonly<Record<Stream, string>> = { audit: "Audit", operational: "Logs", spans: "Spans" };

export function Toolbar({ state, readable, search, onRange, onExport }: ToolbarProps): JSX.Element {
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
          <label title="include the server's own records of who looked: calls of its API, logins and changes of tokens and keys">
            <input
              type="checkbox"
              checked={state.withAccess}
              onChange={() => change({ access: state.withAccess ? undefined : "1" })}
            />{" "}
            who looked
          </label>
        )}
      </fieldset>
      {!isLive && <TimePicker {...{ since, until }} resolved={search} onChange={onRange} />}
      <button
        type="button"
        aria-pressed={isLive}
        onClick={() => change({ live: isLive ? undefined : "1", open: undefined, near: undefined })}
      >
        <span aria-hidden="true">{isLive ? "■" : "▶"}</span> {isLive ? "Stop live tail" : "Live tail"}
      </button>
      <span class="spring" />
      <SearchesMenu />
      {search && !isLive && <CommandMenu search={search} />}
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
