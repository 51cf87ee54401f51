/** The frame around each page: navigation, the reader, preferences, keys. */
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Failure } from "../shared/answer";
import { plainOf, Text } from "../shared/text";
import { TrustBanner } from "../trust/banner";
import { KeyHelp } from "./key_help";
import { useShortcuts } from "./keyboard";
import { address, path } from "./location";
import { Outlet } from "./pages";
import { type Theme, theme, type Zone, zone } from "./preferences";
import { routeOf } from "./routes";
import { hasRole, loginPath, logOut, session } from "./session";

/** The explorer. */
export function Shell(): JSX.Element {
  const showsKeys = useSignal(false);
  useShortcuts([{ key: "?", does: "show these keys", run: () => (showsKeys.value = !showsKeys.value) }], []);
  const main = useRef<HTMLElement>(null);
  useMovedFocus(main);
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <a class="brand" href="/">
          Lognotary
        </a>
        <Navigation />
        <Preferences onKeys={() => (showsKeys.value = true)} />
        <Reader />
      </header>
      <TrustBanner />
      <main id="main" ref={main} tabIndex={-1}>
        <Content />
      </main>
      <KeyHelp isOpen={showsKeys.value} onClose={() => (showsKeys.value = false)} />
    </>
  );
}

function Content(): JSX.Element {
  switch (session.value.state) {
    case "unknown":
      return <p role="status">Loading …</p>;
    case "needs login":
      return (
        <section class="login">
          <h1>Log in</h1>
          <p>This server shows its records only to readers whom it knows.</p>
          <p>
            <a class="button" href={loginPath(address.value.pathname + address.value.search)}>
              Log in
            </a>
          </p>
        </section>
      );
    case "failed":
      return <Failure error={session.value.error} />;
    default:
      if (!session.value.reader.roles.length) return <NoRole name={session.value.reader.name} />;
      return <Outlet route={routeOf(path.value)} />;
  }
}

function NoRole({ name }: { name: string }): JSX.Element {
  return (
    <section class="login">
      <h1>You have no role here</h1>
      <p>
        This server knows you as <Text text={name} />, and its rules grant you no role. Whoever runs it can add one:{" "}
        <code>[[roles]]</code> in its settings.
      </p>
    </section>
  );
}

/** After the way to another page, the focus is on it, so that screen readers read it (WCAG 2.4.3). */
function useMovedFocus(main: { current: HTMLElement | null }): void {
  const isFirst = useRef(true);
  useEffect(() => {
    if (!isFirst.current) main.current?.focus({ preventScroll: true });
    isFirst.current = false;
  }, [path.value]);
}

function Navigation(): JSX.Element {
  const { page } = routeOf(path.value);
  const entries: [string, string, string[], boolean][] = [
    ["/", "Search", ["search"], hasRole("viewer", "auditor")],
    ["/traces", "Traces", ["traces", "trace"], hasRole("viewer", "auditor")],
    ["/logs", "Logs", ["logs", "log", "verify"], hasRole("auditor", "operator")],
    ["/trust", "Trust", ["trust"], true],
  ];
  return (
    <nav aria-label="Pages">
      {entries.map(
        ([href, name, pages, isShown]) =>
          isShown && (
            <a key={href} href={href} aria-current={pages.includes(page) ? "page" : undefined}>
              {name}
            </a>
          ),
      )}
    </nav>
  );
}

function Preferences({ onKeys }: { onKeys: () => void }): JSX.Element {
  return (
    <div class="preferences">
      <label>
        <span class="read-out">Time zone</span>
        <select value={zone.value} onChange={(event) => (zone.value = event.currentTarget.value as Zone)}>
          <option value="local">local time</option>
          <option value="utc">UTC</option>
        </select>
      </label>
      <label>
        <span class="read-out">Theme</span>
        <select value={theme.value} onChange={(event) => (theme.value = event.currentTarget.value as Theme)}>
          <option value="system">system theme</option>
          <option value="light">light</option>
          <option value="dark">dark</option>
        </select>
      </label>
      <button type="button" onClick={onKeys}>
        Keys <kbd>?</kbd>
      </button>
    </div>
  );
}

function Reader(): JSX.Element | null {
  const failure = useSignal<Error | null>(null);
  const leave = () =>
    logOut().catch((error: unknown) => {
      failure.value = error instanceof Error ? error : new Error(String(error));
    });
  if (session.value.state !== "known") return null;
  const { name, kind, roles } = session.value.reader;
  if (kind === "local") return null; // whoever is at this machine may do everything, and has no name
  const shown = [...new Set(roles.map(({ role }) => role))].join(", ");
  return (
    <div class="reader">
      <span title={plainOf(shown)}>
        <Text text={name} most={60} />
      </span>
      {kind === "oidc" && (
        <button type="button" onClick={() => void leave()}>
          Log out
        </button>
      )}
      {failure.value && <Failure error={failure.value} />}
    </div>
  );
}
