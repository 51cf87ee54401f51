/** Findings about logs, on every page; and the comparison of logs, when the browser is idle. */
import { effect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { session } from "../app/session";
import { Text } from "../shared/text";
import { whenIdle } from "./queue";
import { logFindings } from "./state";

const EVERY = 5 * 60_000; // ms

/** The findings that the reader has not acknowledged. */
export function TrustBanner(): JSX.Element {
  useEffect(() => {
    let isFirst = true;
    const stop = effect(() => {
      if (session.value.state !== "known" || !isFirst) return;
      isFirst = false;
      whenIdle(watch);
    });
    const timer = setInterval(() => {
      if (!document.hidden) whenIdle(watch);
    }, EVERY);
    return () => {
      stop();
      clearInterval(timer);
    };
  }, []);
  const open = logFindings.value.filter(({ acknowledged }) => !acknowledged);
  return (
    <div role="alert">
      {open.length > 0 && (
        <div class="trust-banner">
          {open.map(({ id, kind, message }) => (
            <p key={id}>
              <strong>
                <span aria-hidden="true">✘</span> {kind}
              </strong>{" "}
              <Text text={message} />
            </p>
          ))}
          <p>
            This browser found it itself. <a href="/trust#findings">See the evidence, and save it</a>
          </p>
        </div>
      )}
    </div>
  );
}

function watch(): void {
  void import("./checkpoints").then(({ watchLogs }) => watchLogs()).catch(() => undefined); // again in some minutes
}
