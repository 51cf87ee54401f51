/** The page of a record, at the permanent address of its log and leaf. */

import type { JSX } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { navigate } from "../app/location";
import { logPath, type Route, recordPath } from "../app/routes";
import { readableStreams } from "../app/session";
import { Failure, useAnswer } from "../common/answer";
import { shownNumber } from "../common/counted";
import { Text } from "../common/text";
import type { Wanted } from "./check";
import { type Found, find } from "./load";
import { Neighbours } from "./neighbours";
import { RecordView } from "./record_view";
import { Verdict } from "./verdict_view";

/** The page. */
export default function Page({ route }: { route: Extract<Route, { page: "record" }> }): JSX.Element {
  const wanted = useMemo(() => ({ logId: route.log, leaf: String(BigInt(route.leaf)) }), [route.log, route.leaf]);
  const [again, setAgain] = useState(0);
  const answer = useAnswer((signal) => find(wanted, readableStreams(), signal), [wanted, again]);
  const isThere = answer.state === "there";
  useEffect(() => {
    if (isThere && answer.value.kind === "elsewhere") {
      navigate(recordPath(answer.value.logId, wanted.leaf), { replace: true });
    }
  }, [isThere]);
  return (
    <article class="record">
      {(answer.state !== "there" || answer.value.kind === "found") && <Neighbours {...wanted} />}
      {answer.state === "waiting" && <p role="status">Loading …</p>}
      {answer.state === "failed" && (
        <>
          <h1>Leaf {wanted.leaf}</h1>
          <Failure error={answer.error} />
          <button type="button" onClick={() => setAgain(again + 1)}>
            Try again
          </button>
        </>
      )}
      {answer.state === "there" && <Answered found={answer.value} wanted={wanted} />}
    </article>
  );
}

function Answered({ found, wanted }: { found: Found; wanted: Wanted }): JSX.Element | null {
  const { logId, leaf } = wanted;
  switch (found.kind) {
    case "found":
      return <RecordView key={`${logId}#${leaf}`} found={found} wanted={wanted} />;
    case "elsewhere":
      return null;
    case "no log":
      return (
        <>
          <h1>There is no such log</h1>
          <Verdict kind="unproved" title="This server has no log with this ID">
            <p>
              <code class="text">{logId}</code> names no log of this server. The link may be of another server, or the
              log is of a tenant that you may not see. <a href="/logs">All logs</a>
            </p>
          </Verdict>
        </>
      );
    case "beyond":
      return (
        <>
          <h1>There is no such leaf</h1>
          <Verdict kind="unproved" title={`The log has no leaf ${leaf}`}>
            <p>
              <Text text={found.origin} /> has {shownNumber(found.size)} entries, numbered from 0. A record that was
              received a moment ago has its leaf in a second or two. <a href={logPath(logId)}>The log</a>
              {found.size > 0n && (
                <>
                  {" · "}
                  <a href={recordPath(logId, String(found.size - 1n))}>its last record</a>
                </>
              )}
            </p>
            <p>
              If you were given this link as evidence, the log may have lost its end: <code>lognotary verify</code>{" "}
              finds that out.
            </p>
          </Verdict>
        </>
      );
    default:
      return (
        <>
          <h1>Nothing is shown here</h1>
          <Verdict kind="unproved" title="No record at this leaf is shown to you">
            <p>
              There is none, its content has expired, or your roles do not permit you to see it. Readers with the role
              auditor see which.
            </p>
          </Verdict>
        </>
      );
  }
}
