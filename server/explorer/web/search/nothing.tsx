/** No record was found: what to try, or, where nothing was ever received, how to send some. */
import type { JSX } from "preact";
import { get } from "../api/client";
import { serverNow } from "../api/clock";
import type { SearchAnswer } from "../api/types";
import { change, withParameters } from "../app/location";
import { zone } from "../app/preferences";
import { useAnswer } from "../common/answer";
import { Command } from "../common/copy";
import type { Stream } from "../common/entry";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { ANY, rangeName, zoomedOut } from "../query/range";
import { namesAccess, type Search, type SearchState } from "./query";

interface NothingProps {
  search: Search;
  state: SearchState;
  /** All streams that the reader may read. */
  readable: readonly Stream[];
  onRange: (since: string, until: string) => void;
}

// Not to an address that is guessed: another server may listen there.
const SEND = `curl "$OTEL_EXPORTER_OTLP_ENDPOINT/v1/logs" -H 'Content-Type: application/json' -d '{"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "hello"}}]}]}]}'`;

export function Nothing({ search, state, readable, onRange }: NothingProps): JSX.Element {
  const answer = useAnswer(
    async (signal) => {
      const query = readable.includes("audit") ? WITHOUT_WHO_LOOKED : "";
      const fields = { query, streams: readable, page_size: 1, check: "CHECK_SIGNATURES" };
      return (await get<SearchAnswer>("/api/v1/search", fields, signal)).entries.length > 0;
    },
    [search],
  );
  if (answer.state === "there" && !answer.value) return <FirstVisit />;
  const wider = zoomedOut(state.since, state.until, serverNow());
  return (
    <section class="nothing">
      <h2>No record matches</h2>
      <p>
        The range is {rangeName(state.since, state.until, zone.value)}; the streams are {state.streams.join(" and ")}.
        Try
      </p>
      <ul>
        {state.since !== ANY && (
          <li>
            a wider range:{" "}
            <button type="button" onClick={() => onRange(wider.since, wider.until)}>
              {rangeName(wider.since, wider.until, zone.value)}
            </button>{" "}
            <button type="button" onClick={() => onRange(ANY, "")}>
              all records
            </button>
          </li>
        )}
        {!state.streams.includes("spans") && (
          <li>
            spans too: <a href={withParameters({ streams: [...state.streams, "spans"].join() })}>search in spans</a>
          </li>
        )}
        {!state.withAccess && state.streams.includes("audit") && !namesAccess(state.query) && (
          <li>
            the server's own records of who looked:{" "}
            <button type="button" onClick={() => change({ access: "1" })}>
              include them
            </button>
          </li>
        )}
        {state.query && (
          <>
            <li>
              fewer terms, or none: <a href={withParameters({ q: undefined })}>all records of the range</a>
            </li>
            <li>
              other words: <code>pay*</code> finds payment, <code>*pay*</code> finds it within words; most fields need
              the whole value, where case matters: <code>actor:ali*</code>
            </li>
          </>
        )}
      </ul>
    </section>
  );
}

function FirstVisit(): JSX.Element {
  return (
    <section class="nothing">
      <h2>There are no records yet that you may read</h2>
      <p>If others see records here, ask for more roles. Otherwise, nobody has sent any to this server yet.</p>
      <p>
        Send logs and spans by OTLP, as every OpenTelemetry SDK and Collector does. The server prints its addresses for
        them when it starts, as <code>otlp_grpc=</code> and <code>otlp_http=</code>. With the latter, as a URL, in{" "}
        <code>OTEL_EXPORTER_OTLP_ENDPOINT</code>:
      </p>
      <Command text={SEND} />
      <p>
        They are shown here once they are stored and signed:{" "}
        <a href={withParameters({ live: "1" })}>follow them live</a>, or{" "}
        <button type="button" onClick={() => location.reload()}>
          search again
        </button>
        . If the server needs tokens, <code>lognotary tokens create</code> makes one.
      </p>
    </section>
  );
}
