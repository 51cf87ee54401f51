/** The frame around each page: navigation, the reader, preferences, keys. */
import { useSignal, useSignalEffect } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Failure } from "../common/answer";
import { Text } from "../common/text";
import { TrustBanner } from "../trust/banner";
import { KeyHelp } from "./key_help";
import { useShortcuts } from "./keyboard";
import { address, parameters, path } from "./location";
import { Outlet } from "./pages";
import { type Theme, theme, type Zone, zone } from "./preferences";
import { firstPage, mayRead, neededFor } from "./roles";
import { type Route, routeOf } from "./routes";
import { loginPath, logOut, rolesOfReader, session } from "./session";
import { titleOfPage } from "./title";

/** The explorer. */
export function Shell(): JSX.Element {
  const showsKeys = useSignal(false);
  useShortcuts([{ key: "?", does: "show these keys", run: () => (showsKeys.value = !showsKeys.value) }], []);
  const main = useRef<HTMLElement>(null);
  useMovedFocus(main);
  useTitle();
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
      {showsKeys.value && <KeyHelp onClose={() => (showsKeys.value = false)} />}
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
          <p>This server shows its records only to readers who are logged in.</p>
          {session.value.hasPage ? (
            <p>
              <a class="button" href={loginPath(address.value.pathname + address.value.search)}>
                Log in
              </a>
            </p>
          ) : (
            <p>
              It has no page to log in. Browsers reach it with a client certificate, or through a proxy that knows its
              people; programs use tokens. Whoever runs it can add a login with <code>oidc_issuer</code>.
            </p>
          )}
        </section>
      );
    case "failed":
      return <Failure error={session.value.error} />;
    default:
      return <Permitted route={currentRoute()} />;
  }
}

/** The page of the address; at the root, the one that the reader begins with. */
function currentRoute(): Route {
  const route = routeOf(path.value);
  return route.page === "search" ? firstPage(rolesOfReader()) : route;
}

function Permitted({ route }: { route: Route }): JSX.Element {
  if (mayRead(route.page, rolesOfReader())) return <Outlet route={route} />;
  if (!rolesOfReader().length) return <NoRole />;
  return (
    <section class="login">
      <h1>This page is for other roles</h1>
      <p>
        It needs the role {neededFor(route.page)}; you have {rolesOfReader().join(" and ")}. Whoever runs the server can
        add one: <code>[[roles]]</code> in its settings.
      </p>
    </section>
  );
}

function NoRole(): JSX.Element {
  const name = session.value.state === "known" ? session.value.reader.name : "";
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

/** The title follows the address; what a page finds there does not change it. */
function useTitle(): void {
  useSignalEffect(() => {
    const isKnown = session.value.state !== "needs login";
    document.title = isKnown ? titleOfPage(currentRoute(), parameters.value.get("q") ?? "") : "Log in · Lognotary";
  });
}

const ENTRIES: readonly [href: string, name: string, pages: readonly Route["page"][]][] = [
  ["/", "Search", ["search"]],
  ["/traces", "Traces", ["traces", "trace"]],
  ["/logs", "Logs", ["logs", "log", "verify"]],
  ["/trust", "Trust", ["trust"]],
];

function Navigation(): JSX.Element {
  const { page } = currentRoute();
  const roles = rolesOfReader();
  return (
    <nav aria-label="Pages">
      {ENTRIES.map(
        ([href, name, pages]) =>
          pages.some((each) => mayRead(each, roles)) && (
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
  const { name, kind } = session.value.reader;
  if (kind === "local") return null; // whoever is at this machine may do everything, and has no name
  return (
    <div class="reader">
      <span title={rolesOfReader().join(", ")}>
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
