/** The axis of time of a waterfall. Pure. */
import type { Layout } from "./layout";
import type { Period } from "./quiet";

/** The time that the axis shows: the zoomed one, or the whole trace; never empty. */
export function axisOf({ first, last }: Layout, zoom: Period | undefined): Period {
  const { from, to } = zoom ?? { from: first, to: last };
  return to > from ? { from, to } : { from, to: from + 1000 };
}

/** A place on the axis, in per cent of its width; outside of it, its nearest end. */
export const placeOn = (axis: Period, at: number): number =>
  (100 * (Math.min(Math.max(at, axis.from), axis.to) - axis.from)) / (axis.to - axis.from);

/** The place of a row on the axis: `left` and `width` in per cent, and the sides on which it goes on outside. */
export interface Place {
  left: number;
  width: number;
  isBefore: boolean;
  isAfter: boolean;
}

export function placeOf(axis: Period, begin: number, end: number): Place {
  const left = placeOn(axis, begin);
  return { left, width: placeOn(axis, end) - left, isBefore: begin < axis.from, isAfter: end > axis.to };
}

/** Times for marks on the axis: round ones, at most `most`, without those at its very end. */
export function ticksOf({ from, to }: Period, most = 5): number[] {
  const rough = (to - from) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const ticks: number[] = [];
  for (let at = Math.ceil(from / step); at * step < to - (to - from) * 0.06; at += 1) ticks.push(at * step);
  return ticks;
}

/** A zoom around a time that shows a part of the axis, within the trace; undefined if that is all of it. */
export function zoomed(layout: Layout, axis: Period, around: number, factor: number): Period | undefined {
  const whole = axisOf(layout, undefined);
  const length = Math.max((axis.to - axis.from) * factor, 100);
  if (length >= whole.to - whole.from) return undefined;
  const centre = Math.min(Math.max(around, axis.from), axis.to);
  const part = (centre - axis.from) / (axis.to - axis.from);
  const from = Math.min(Math.max(Math.round(centre - length * part), whole.from), whole.to - length);
  return { from, to: Math.round(from + length) };
}
