/** Answers of the API on their way to a page: waiting, there, or an error. */
import { type ComponentChild, type ComponentChildren, type JSX, toChildArray } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ApiError, isAbort } from "../api/client";
import { hasLoginPage, loginPath } from "../app/session";
import { Text } from "./text";

const LONGEST = 4000; // characters of a message

export type Answer<T> =
  | { state: "waiting"; before?: T }
  | { state: "there"; value: T }
  | { state: "failed"; error: Error };

/** Ask when the page is shown and whenever one of the inputs changes; an earlier question is cancelled. */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>, inputs: readonly unknown[]): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ state: "waiting" });
  useEffect(() => {
    const controller = new AbortController();
    setAnswer((now) => (now.state === "there" ? { state: "waiting", before: now.value } : { state: "waiting" }));
    ask(controller.signal).then(
      (value) => {
        if (!controller.signal.aborted) setAnswer({ state: "there", value });
      },
      (error: unknown) => {
        if (controller.signal.aborted || isAbort(error)) return;
        setAnswer({ state: "failed", error: error instanceof Error ? error : new Error(String(error)) });
      },
    );
    return () => controller.abort();
  }, inputs);
  return answer;
}

/** An error, with what to do about it. */
export function Failure({ error }: { error: Error }): JSX.Element {
  if (error instanceof ApiError && error.needsLogin) {
    return (
      <Notice kind="error">
        You are not logged in. {hasLoginPage() && <a href={loginPath(location.pathname + location.search)}>Log in</a>}
      </Notice>
    );
  }
  return <Notice kind="error">{error.message}</Notice>;
}

/** Messages name what senders and servers chose, such as origins: their text is text from storage. */
const asText = (child: ComponentChild): ComponentChild =>
  typeof child === "string" ? <Text text={child} most={LONGEST} /> : child;

/** A message beside what it is about. Errors are read out at once. */
export function Notice({
  kind,
  children,
}: {
  kind: "note" | "warning" | "error";
  children: ComponentChildren;
}): JSX.Element {
  return (
    <p class={`notice notice-${kind}`} role={kind === "error" ? "alert" : "note"}>
      <strong>{{ note: "Note", warning: "Warning", error: "Error" }[kind]}:</strong>{" "}
      {toChildArray(children).map(asText)}
    </p>
  );
}
