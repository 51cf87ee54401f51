/** Choices of the reader that the URL keeps. */
import { change } from "../app/location";
import type { Stream } from "../common/entry";
import { DEFAULT_COLUMNS } from "./query";

/** Choose the columns of the list. */
export function setColumns(columns: readonly string[]): void {
  change({ columns: columns.join() === DEFAULT_COLUMNS.join() ? undefined : columns.join() }, { replace: true });
}

/** Choose the streams to search. */
export function setStreams(streams: readonly Stream[]): void {
  change({ streams: streams.join() === "audit,operational" ? undefined : streams.join() });
}
