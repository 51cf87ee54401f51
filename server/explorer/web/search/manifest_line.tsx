/** The manifest of a download, which the server signs once the file is complete. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, isAbort, request } from "../api/client";
import { Failure } from "../common/answer";
import { manifestPath } from "./export_request";
import { numbersOf } from "./manifest_numbers";

type State =
  | { state: "waiting"; message: string }
  | { state: "ready"; note: string }
  | { state: "failed"; error: Error };

const FIRST_WAIT = 1; // seconds
const LONGEST_WAIT = 20;

export function ManifestLine({ name, file }: { name: string; file: string }): JSX.Element {
  const [state, setState] = useState<State>({ state: "waiting", message: "" });
  useEffect(() => {
    const controller = new AbortController();
    const { signal } = controller;
    let wait = FIRST_WAIT;
    let isKnown = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      try {
        const response = await request(manifestPath(name), { signal });
        setState({ state: "ready", note: await response.text() });
        return;
      } catch (error) {
        if (isAbort(error)) return;
        if (!(error instanceof ApiError)) throw error;
        const isExpected = error.status === 404 && (isUnderWay(error.message) || !isKnown);
        isKnown ||= error.status === 404 && isUnderWay(error.message);
        if (!isExpected || (!isKnown && wait >= LONGEST_WAIT)) {
          setState({ state: "failed", error });
          return;
        }
        setState({ state: "waiting", message: isKnown ? "" : "the server has not begun yet" });
      }
      timer = setTimeout(ask, wait * 1000);
      wait = Math.min(wait * 1.5, LONGEST_WAIT); // each question is on record
    };
    timer = setTimeout(ask, wait * 1000);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [name]);
  if (state.state === "failed") return <Failure error={state.error} />;
  if (state.state === "waiting") {
    return (
      <p role="status" class="notice notice-warning">
        1 of 2: the file is being downloaded. Keep this dialog open: its manifest is made at its end, and only with it
        can the file be checked. <span class="quiet">{state.message}</span>
      </p>
    );
  }
  const said = numbersOf(state.note);
  return (
    <div role="status" class="notice notice-warning">
      <p>
        2 of 2: the file is complete{said && `: ${said}`}. Save its manifest, too: without it, nobody can check the
        file.
      </p>
      <p>
        <a class="button primary" href={manifestPath(name)} download={`${file}.manifest`}>
          Download {file}.manifest
        </a>
      </p>
    </div>
  );
}

const isUnderWay = (message: string): boolean => message.includes("is not complete yet");
