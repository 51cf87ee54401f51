/** The state of a trace's page in its address. Pure. */
import type { Changes } from "../app/location";
import { nanosOf, textOf } from "../common/time";
import { type Collapsed, type Filter, SHOWN_KINDS } from "./filter";
import type { Period } from "./quiet";

/** Return the filter that an address has; its times are nanoseconds since `base`, which is one since 1970. */
export function filterOf(parameters: URLSearchParams, base: bigint): Filter {
  const kinds = SHOWN_KINDS.find((name) => name === parameters.get("kinds")) ?? "all";
  return {
    kinds,
    errors: parameters.get("errors") === "1",
    service: parameters.get("service") ?? "",
    text: parameters.get("text") ?? "",
    time: zoomOf(parameters, base),
  };
}

/** Return the zoomed time of an address; undefined for none, or one that makes no sense. */
export function zoomOf(parameters: URLSearchParams, base: bigint): Period | undefined {
  try {
    const [from, to] = ["from", "to"].map((name) => Number(nanosOf(parameters.get(name) ?? "") - base));
    return from !== undefined && to !== undefined && from < to ? { from, to } : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The parameters of a zoomed time. Times are absolute, so that they mean the same while more of a trace arrives. */
export function zoomChanges(zoom: Period | undefined, base: bigint): Changes {
  const text = (at: number) => textOf(base + BigInt(Math.round(at)));
  return zoom ? { from: text(zoom.from), to: text(zoom.to) } : { from: undefined, to: undefined };
}

/** Return the collapsed spans of an address: IDs with dots between, or "all" and the IDs of those that are not. */
export function collapsedOf(parameters: URLSearchParams): Collapsed {
  const [first = "", ...others] = (parameters.get("collapsed") ?? "").split(".");
  if (first === "all") return { isAll: true, except: new Set(others) };
  return { isAll: false, except: new Set(first ? [first, ...others] : []) };
}

/** The parameter of collapsed spans. */
export function collapsedChanges({ isAll, except }: Collapsed): Changes {
  return { collapsed: [...(isAll ? ["all"] : []), ...except].join(".") };
}
