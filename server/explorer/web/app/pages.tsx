/** The pages, each loaded when it is needed first. */
import type { ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Failure } from "../shared/answer";
import type { Route } from "./routes";

type Page = ComponentType<{ route: never }>;

const LOADERS: Record<Exclude<Route["page"], "missing">, () => Promise<{ default: unknown }>> = {
  search: () => import("../search/page"),
  traces: () => import("../trace/list_page"),
  trace: () => import("../trace/page"),
  actor: () => import("../subject/page"),
  target: () => import("../subject/page"),
  record: () => import("../record/page"),
  logs: () => import("../logs/page"),
  log: () => import("../logs/log_page"),
  verify: () => import("../logs/verify_page"),
  trust: () => import("../trust/page"),
};

const loaded = new Map<string, Page>();

/** The page of a route. */
export function Outlet({ route }: { route: Route }): JSX.Element {
  const [, setCount] = useState(0);
  const [error, setError] = useState<Error>();
  const name = route.page;
  useEffect(() => {
    if (name === "missing" || loaded.has(name)) return;
    LOADERS[name]().then(
      (module) => {
        loaded.set(name, module.default as Page);
        setCount((count) => count + 1);
      },
      () =>
        setError(new Error("the page cannot be loaded: the server was updated or cannot be reached. Reload the page")),
    );
  }, [name]);
  if (name === "missing") return <MissingPage />;
  if (error) return <Failure error={error} />;
  const Loaded = loaded.get(name) as ComponentType<{ route: Route }> | undefined;
  return Loaded ? <Loaded route={route} /> : <p role="status">Loading …</p>;
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
