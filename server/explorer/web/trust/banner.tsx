/** Findings about logs, on every page; and the comparison of logs, when the browser is idle. */
import { effect, signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { session } from "../app/session";
import { Text } from "../common/text";
import { whenIdle } from "./queue";
import { forAuditors, mayRead } from "./reader";
import { logFindings, overdue, unkeptFindings } from "./state";

const EVERY = 5 * 60_000; // ms
const SOON = 30_000; // ms, while something could not be compared
const AFTER_PAGE = 1000; // ms for which the page's own questions come first
const MOST_SENTENCES = 3;

const hidden = signal<ReadonlySet<string>>(new Set());

/** The findings that the reader has not acknowledged. */
export function TrustBanner(): JSX.Element {
  useEffect(() => {
    let isFirst = true;
    let first: ReturnType<typeof setTimeout>;
    const stop = effect(() => {
      if (session.value.state !== "known" || !isFirst) return;
      isFirst = false;
      first = setTimeout(() => whenIdle(watch), AFTER_PAGE);
    });
    const again = () => {
      if (!document.hidden) whenIdle(watch);
    };
    const timers = [setInterval(again, EVERY), setInterval(() => overdue.peek().length && again(), SOON)];
    return () => {
      stop();
      clearTimeout(first);
      timers.forEach(clearInterval);
    };
  }, []);
  return (
    <>
      <Findings />
      <Overdue />
    </>
  );
}

function Findings(): JSX.Element {
  const all = logFindings.value.filter(({ acknowledged }) => !acknowledged);
  const open = all.filter(mayRead);
  return (
    <div role="alert">
      {open.length < all.length && (
        <div class="trust-banner">
          <p>
            <strong aria-hidden="true">✘</strong> {forAuditors(all.length - open.length)}.
          </p>
        </div>
      )}
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
            {unkeptFindings.value.length > 0 &&
              " now: the browser could not store it (its disk may be full), and will lose it when this page is closed."}
          </p>
        </div>
      )}
    </div>
  );
}

/** A server that does not answer hides something. That is not a finding, and must not go unnoticed. */
function Overdue(): JSX.Element {
  const open = overdue.value.filter((sentence) => !hidden.value.has(sentence));
  const most = open.slice(0, MOST_SENTENCES);
  return (
    <div role="status">
      {open.length > 0 && (
        <div class="trust-banner trust-banner-overdue">
          {most.map((sentence) => (
            <p key={sentence}>
              <strong>
                <span aria-hidden="true">⚠</span> not compared
              </strong>{" "}
              <Text text={sentence} />
            </p>
          ))}
          <p>
            {open.length > most.length && `And ${open.length - most.length} more. `}
            <a href="/trust#checkpoints">What this browser keeps</a>{" "}
            <button type="button" onClick={() => (hidden.value = new Set([...hidden.value, ...open]))}>
              Hide until the page is loaded again
            </button>
          </p>
        </div>
      )}
    </div>
  );
}

function watch(): void {
  void import("./checkpoints")
    .then(({ watchLogs }) => watchLogs())
    .catch((error: unknown) => {
      overdue.value = [`logs could not be compared: ${error instanceof Error ? error.message : error}`];
    });
}
