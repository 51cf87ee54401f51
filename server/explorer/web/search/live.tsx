/** The live tail: records as they are signed. It pauses while the reader reads. */
import type { JSX } from "preact";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { serverNow } from "../api/clock";
import { searchPath } from "../app/routes";
import { Failure, Notice } from "../common/answer";
import { shownNumber } from "../common/counted";
import type { Entry } from "../common/entry";
import { Moment } from "../common/moment";
import { termOf } from "../common/terms";
import { shownDuration } from "../common/time";
import { askedQuery, type SearchState } from "./query";
import { Rows } from "./rows";
import { EMPTY_FEED, type Feed, follow, type MissedRecords, resumed, signedWithin, withEntries } from "./tail";

interface LiveProps {
  state: SearchState;
  current: number;
  onOpen: (entry: Entry, at: number) => void;
  /** The rows that are shown, for keys and for the record beside them. */
  onEntries: (entries: readonly Entry[]) => void;
  body: { current: HTMLDivElement | null };
}

type Connection =
  | { state: "connecting" }
  | { state: "connected" }
  | { state: "lost"; message: string }
  | { state: "failed"; error: Error };

export function Live({ state, current, onOpen, onEntries, body }: LiveProps): JSX.Element {
  const { query } = askedQuery(state);
  const streams = state.streams.join();
  const [feed, setFeed] = useState<Feed>(EMPTY_FEED);
  const [connection, setConnection] = useState<Connection>({ state: "connecting" });
  const [missed, setMissed] = useState<readonly MissedRecords[]>([]);
  const [behind, setBehind] = useState(0);
  const [isHeld, setHeld] = useState(false);
  const [isScrolled, setScrolled] = useState(false);
  const isAway = useIsAway(body);
  const isPaused = isHeld || isScrolled || isAway || state.open !== "";
  const paused = useRef(isPaused);
  paused.current = isPaused;
  const arrivals = useRef(new WeakMap<Entry, bigint>());

  useEffect(() => {
    const controller = new AbortController();
    setFeed(EMPTY_FEED);
    setMissed([]);
    setConnection({ state: "connecting" });
    arrivals.current = new WeakMap();
    const run = async () => {
      for await (const step of follow(query, streams.split(","), controller.signal)) {
        if (step.kind === "connected") setConnection({ state: "connected" });
        else if (step.kind === "lost") setConnection({ state: "lost", message: step.message });
        else {
          const now = serverNow();
          if (!step.isLate) for (const entry of step.entries) arrivals.current.set(entry, now);
          setFeed((before) => withEntries(before, step.entries, paused.current));
          setBehind(step.behind);
          if (step.missed.length) setMissed((before) => [...before, ...step.missed].slice(-20));
        }
      }
    };
    run().catch((error: unknown) => {
      if (!controller.signal.aborted) setConnection({ state: "failed", error: error as Error });
    });
    return () => controller.abort();
  }, [query, streams]);

  useEffect(() => {
    if (isPaused) return;
    setFeed((now) => (now.waiting.length ? resumed(now) : now));
  }, [isPaused]);
  useLayoutEffect(() => onEntries(feed.shown), [feed.shown]);

  const goOn = () => {
    setHeld(false);
    setScrolled(false);
    getSelection()?.removeAllRanges();
    if (body.current) body.current.scrollTop = 0;
    setFeed((now) => resumed(now));
  };
  const begun = useMemo(serverNow, [query, streams]);
  const extra = useMemo(
    () => ({
      name: "Signed within",
      title:
        "time from a record's receipt until it was here with its signature; not known of records that waited for a lost connection",
      width: "7rem",
      value: (entry: Entry) => shownWait(entry, arrivals.current.get(entry)),
    }),
    [],
  );
  const open = useCallback(
    (at: number) => {
      const entry = feed.shown[at];
      if (entry) onOpen(entry, at);
    },
    [feed.shown, onOpen],
  );
  return (
    <div class="live">
      <div class="live-line">
        <p>
          <LiveState {...{ connection, isPaused, isAway, feed, behind }} />
        </p>
        {isPaused ? (
          <button type="button" class="primary" onClick={goOn} disabled={state.open !== ""}>
            {state.open !== "" ? "close the record to go on" : "Go on"}
          </button>
        ) : (
          <button type="button" onClick={() => setHeld(true)}>
            Pause
          </button>
        )}
      </div>
      {connection.state === "failed" && <Failure error={connection.error} />}
      {missed.map((part) => (
        <MissedNotice key={`${part.origin} ${part.first}`} missed={part} />
      ))}
      {feed.dropped > 0 && (
        <Notice kind="note">
          {shownNumber(feed.dropped)} records came while this page paused, and are not kept here: search for them.
        </Notice>
      )}
      {feed.shown.length === 0 && connection.state === "connected" && (
        <p class="nothing quiet">
          No record has come since <Moment at={begun} />. Records are shown as they are signed.
        </p>
      )}
      <Rows
        entries={feed.shown}
        columns={state.columns}
        wraps={state.wraps}
        oldestFirst={false}
        total={feed.shown.length}
        open={state.open}
        current={current}
        isBusy={false}
        onOpen={open}
        onScroll={(scrolled) => setScrolled(scrolled > 4)}
        extra={extra}
        body={body}
      />
    </div>
  );
}

function LiveState({
  connection,
  isPaused,
  isAway,
  feed,
  behind,
}: {
  connection: Connection;
  isPaused: boolean;
  isAway: boolean;
  feed: Feed;
  behind: number;
}): JSX.Element {
  const isSlow = useIsLong(connection.state === "connecting");
  const waiting = feed.waiting.length;
  const count = shownNumber(waiting);
  const text =
    connection.state === "lost"
      ? `The connection was lost. It is resumed without gaps: ${connection.message}`
      : connection.state === "connecting"
        ? isSlow
          ? "Connecting … There is no answer yet. A proxy in front of the server may hold it back"
          : "Connecting …"
        : connection.state === "failed"
          ? "Stopped"
          : isPaused
            ? `Paused${isAway ? " while you select text or look elsewhere" : ""}`
            : "Following";
  return (
    <>
      <span class={`live-mark live-${connection.state === "connected" && !isPaused ? "on" : "off"}`} aria-hidden="true">
        {connection.state === "connected" && !isPaused ? "●" : "‖"}
      </span>{" "}
      <span role="status">{text}</span>
      {isPaused && (
        <span class="quiet">
          : {count} new {waiting === 1 ? "record" : "records"}
        </span>
      )}
      {behind > 0 && <span class="quiet"> · {shownNumber(behind)} records to catch up with</span>}
    </>
  );
}

/** Return whether something has lasted for ten seconds; a tail that nothing holds back begins to answer at once. */
function useIsLong(isGoingOn: boolean): boolean {
  const [isLong, setLong] = useState(false);
  useEffect(() => {
    if (!isGoingOn) return;
    const timer = setTimeout(() => setLong(true), 10_000);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [isGoingOn]);
  return isLong;
}

function MissedNotice({ missed: { origin, first, end, wereDeleted } }: { missed: MissedRecords }): JSX.Element {
  const last = (BigInt(end) - 1n).toString();
  const query = `${termOf("log", origin)} leaf:[${first} TO ${last}]`;
  const count = (BigInt(end) - BigInt(first)).toString();
  return (
    <Notice kind="warning">
      {wereDeleted
        ? `${count} leaves of ${origin} are no longer stored: they expired, or somebody deleted them (${first} to ${last}).`
        : `${count} leaves of ${origin} were skipped, because this page could not keep up.`}{" "}
      {!wereDeleted && <a href={searchPath(query)}>Search for them</a>}
    </Notice>
  );
}

function shownWait(entry: Entry, arrived: bigint | undefined): string {
  const passed = arrived === undefined ? undefined : signedWithin(entry, arrived);
  if (passed === undefined) return entry.evidence?.state === "UNSIGNED" ? "not signed" : "–";
  return shownDuration((passed / 1_000_000n) * 1_000_000n);
}

/** True while the reader selects text in the list, or looks at another tab. */
function useIsAway(body: { current: HTMLElement | null }): boolean {
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    const look = () => {
      const selection = getSelection();
      const selects = Boolean(selection && !selection.isCollapsed && body.current?.contains(selection.anchorNode));
      setAway(selects || document.visibilityState === "hidden");
    };
    document.addEventListener("selectionchange", look);
    document.addEventListener("visibilitychange", look);
    return () => {
      document.removeEventListener("selectionchange", look);
      document.removeEventListener("visibilitychange", look);
    };
  }, []);
  return isAway;
}
