/** A verification that runs while its page is shown. */
import { useEffect, useRef, useState } from "preact/hooks";
import { isAbort, lines } from "../api/client";
import type { VerifyStep } from "../api/types";
import { NOTHING_YET, type Run, withSteps } from "./run";

const PAUSE = 100; // ms between two updates of the page

export interface Running {
  readonly state: "idle" | "running" | "done" | "stopped" | "failed";
  readonly run: Run;
  /** Seconds since the start. */
  readonly seconds: number;
  readonly error: Error | undefined;
  readonly start: (request: Record<string, unknown>) => void;
  readonly stop: () => void;
}

type State = Omit<Running, "start" | "stop">;

const IDLE: State = { state: "idle", run: NOTHING_YET, seconds: 0, error: undefined };

/** Verification, which begins with `start`, and ends when the page is left. */
export function useRun(): Running {
  const [state, setState] = useState(IDLE);
  const controller = useRef<AbortController>(undefined);
  useEffect(() => () => controller.current?.abort(), []);
  const start = (request: Record<string, unknown>) => {
    controller.current?.abort();
    const made = new AbortController();
    controller.current = made;
    void follow(request, made.signal, (next) => {
      if (controller.current === made) setState(next);
    });
  };
  return { ...state, start, stop: () => controller.current?.abort() };
}

/** Follow a verification to its end. Messages are gathered, because there may be thousands in a second. */
async function follow(
  request: Record<string, unknown>,
  signal: AbortSignal,
  show: (state: State) => void,
): Promise<void> {
  const began = performance.now();
  let run = NOTHING_YET;
  let [waiting, shown]: [VerifyStep[], number] = [[], 0];
  const showNow = (state: State["state"], error?: Error) => {
    run = withSteps(run, waiting);
    waiting = [];
    shown = performance.now();
    show({ state, run, seconds: (shown - began) / 1000, error });
  };
  showNow("running");
  const timer = setInterval(() => {
    if (performance.now() - shown >= 1000) showNow("running"); // the time goes on without messages too
  }, 500);
  try {
    for await (const step of lines<VerifyStep>("/api/v1/verify", signal, request)) {
      waiting.push(step);
      if (performance.now() - shown >= PAUSE) showNow("running");
    }
    showNow("done");
  } catch (error) {
    if (isAbort(error) || signal.aborted) showNow("stopped");
    else showNow("failed", error instanceof Error ? error : new Error(String(error)));
  } finally {
    clearInterval(timer);
  }
}
