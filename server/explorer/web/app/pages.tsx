/** The pages, each loaded when it is needed first. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../common/answer";
import { address } from "./location";
import type { Route } from "./routes";

type Page = ComponentType<{ route: never }>;
type Name = Exclude<Route["page"], "missing">;

/** The feature of each page, whose folder has it and its styles, and how it is loaded. */
const PAGES: Record<Name, [feature: string, load: () => Promise<{ default: unknown }>]> = {
  search: ["search", () => import("../search/page")],
  traces: ["trace", () => import("../trace/list_page")],
  trace: ["trace", () => import("../trace/page")],
  actor: ["subject", () => import("../subject/page")],
  target: ["subject", () => import("../subject/page")],
  record: ["record", () => import("../record/page")],
  logs: ["logs", () => import("../logs/page")],
  log: ["logs", () => import("../logs/log_page")],
  verify: ["logs", () => import("../logs/verify_page")],
  trust: ["trust", () => import("../trust/page")],
};

const NOT_LOADED = "the page cannot be loaded: the server was updated or cannot be reached. Reload the page";

const loaded = new Map<string, Page>();
const loading = new Map<Name, Promise<void>>();

/** Load a page before it is shown. Its outlet tells a failure. */
export function preload({ page }: Route): void {
  if (page !== "missing") loadPage(page).catch(() => undefined);
}

function loadPage(name: Name): Promise<void> {
  const running =
    loading.get(name) ?? PAGES[name][1]().then(({ default: page }) => void loaded.set(name, page as Page));
  loading.set(name, running);
  return running.finally(() => loading.delete(name));
}

/** The page of a route. */
export function Outlet({ route }: { route: Route }): JSX.Element {
  const [, setCount] = useState(0);
  const [failed, setFailed] = useState<{ name: string; error: Error }>();
  const name = route.page;
  const isThere = loaded.has(name);
  useEffect(() => {
    // A page that came after this was rendered has to be shown, too.
    if (name === "missing" || isThere) return;
    loadPage(name).then(
      () => setCount((count) => count + 1),
      () => setFailed({ name, error: new Error(NOT_LOADED) }),
    );
  }, [name]);
  const { hash } = address.value;
  useEffect(() => {
    // The browser itself finds the place of a link only on a page that is there when it follows the link.
    if (isThere && hash) document.getElementById(hash.slice(1))?.scrollIntoView();
  }, [name, isThere, hash]);
  if (name === "missing") return <MissingPage />;
  const Loaded = loaded.get(name) as ComponentType<{ route: Route }> | undefined;
  if (!Loaded && failed?.name === name) return <Failure error={failed.error} />;
  if (!Loaded) return <p role="status">Loading …</p>;
  return (
    <div class={`feature-${PAGES[name][0]}`} key={name}>
      <Loaded route={route} />
    </div>
  );
}

function MissingPage(): JSX.Element {
  return (
    <section>
      <h1>There is no such page</h1>
      <p>
        <a href="/">Search</a> finds records, traces, actors and targets.
      </p>
    </section>
  );
}
