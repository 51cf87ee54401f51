/** A trace from far: how much happened in each step of its time. Pure. */
import { isError } from "../common/entry";
import { axisOf, placeOn } from "./axis";
import type { Layout } from "./layout";

interface Minimap {
  /** Number of spans that ran in each step. */
  spans: readonly number[];
  /** Number of logs of each step. */
  logs: readonly number[];
  /** Steps in which an audit event, or an error, is dated. */
  audits: readonly number[];
  errors: readonly number[];
}

export function minimapOf(layout: Layout, steps: number): Minimap {
  const axis = axisOf(layout, undefined);
  const stepOf = (at: number) => Math.min(Math.floor((placeOn(axis, at) / 100) * steps), steps - 1);
  const changes = new Array<number>(steps + 1).fill(0);
  const logs = new Array<number>(steps).fill(0);
  const audits = new Set<number>();
  const errors = new Set<number>();
  for (const { entry, kind, begin, end, isPlausible } of layout.rows) {
    if (!entry || !isPlausible) continue;
    const step = stepOf(begin);
    if (kind === "span") {
      changes[step] = (changes[step] ?? 0) + 1;
      const after = stepOf(end) + 1;
      changes[after] = (changes[after] ?? 0) - 1;
    } else if (kind === "audit") audits.add(step);
    else logs[step] = (logs[step] ?? 0) + 1;
    if (isError(entry)) errors.add(step);
  }
  let running = 0;
  const spans = changes.slice(0, steps).map((change) => {
    running += change;
    return running;
  });
  const sorted = (found: Set<number>) => [...found].sort((one, other) => one - other);
  return { spans, logs, audits: sorted(audits), errors: sorted(errors) };
}

/**
 * The path of an area in SVG: a step for each count, from the baseline upwards, at the scale of square roots.
 *
 * @param counts one for each unit of x
 * @param baseline y of nothing
 * @param height of the largest count; negative for downwards
 */
export function areaOf(counts: readonly number[], baseline: number, height: number): string {
  const most = Math.max(...counts, 1);
  const parts = counts.map((count, step) => {
    const y = baseline - height * Math.sqrt(count / most);
    return `L${step} ${y.toFixed(1)}L${step + 1} ${y.toFixed(1)}`;
  });
  return `M0 ${baseline}${parts.join("")}L${counts.length} ${baseline}Z`;
}
