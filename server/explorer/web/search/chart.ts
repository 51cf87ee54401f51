/** The bars of a histogram, drawn by uPlot on a canvas; the table beside it says the same. */
import uPlot from "uplot";
import type { Zone } from "../app/preferences";
import { shownTime } from "../common/time";
import { bucketAt } from "./bucket_at";

/** The bars to draw: for each group its counts, in the order of the stack from the bottom. */
export interface Bars {
  /** Starts of the buckets, as if none was cut, in milliseconds since 1970. */
  readonly starts: readonly number[];
  readonly stepMillis: number;
  readonly since: number;
  readonly until: number;
  readonly groups: readonly { name: string; colour: string; counts: readonly number[] }[];
}

export interface ChartEvents {
  /** The reader chose a range, in milliseconds. */
  onSelect: (since: number, until: number) => void;
  /** The bucket under the pointer; undefined for none. */
  onPoint: (bucket: number | undefined) => void;
}

const HEIGHT = 96;
const MARGIN = 24; // as of .mark-strip: half of a label, whose middle may be at the very end

/** Draw into an element, and return what removes the chart. */
export function drawChart(element: HTMLElement, bars: Bars, zone: Zone, events: ChartEvents): () => void {
  const colour = (name: string) => colourOf(element, name);
  // Each series is the sum of those below it; the highest is drawn first, and the others over it.
  let below: number[] = bars.starts.map(() => 0);
  const stacked = bars.groups.map(({ counts }) => {
    below = below.map((value, at) => value + (counts[at] ?? 0));
    return below;
  });
  const drawn = bars.groups.map((group, at) => ({ ...group, sums: stacked[at] ?? [] })).reverse();
  const axis = { stroke: colour("--quiet"), font: "11px system-ui", ticks: { show: false } };
  const chart = new uPlot(
    {
      width: Math.max(element.clientWidth, 200),
      height: HEIGHT,
      ms: 1,
      padding: [6, MARGIN, 0, 0],
      tzDate: (at) => (zone === "utc" ? uPlot.tzDate(new Date(at), "Etc/UTC") : new Date(at)),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      scales: {
        x: { time: true, range: () => [bars.since, bars.until] },
        y: { range: (_, __, most) => [0, Math.max(most, 1)] },
      },
      axes: [
        {
          ...axis,
          grid: { show: false },
          size: 24,
          values: (_, splits, __, ___, step) => axisTimes(zone, splits, step),
        },
        { ...axis, grid: { stroke: colour("--line"), width: 1 }, size: 44, incrs: WHOLE },
      ],
      series: [
        {},
        ...drawn.map((group) => ({
          label: group.name,
          fill: colour(group.colour),
          stroke: colour("--panel"),
          width: 1,
          points: { show: false },
          // biome-ignore lint/style/noNonNullAssertion: uPlot has it, unless a build leaves it out
          paths: uPlot.paths.bars!({ size: [1, 60], align: 1, gap: 1 }),
        })),
      ],
      hooks: {
        setSelect: [
          (plot) => {
            if (plot.select.width < 3) return;
            events.onSelect(
              plot.posToVal(plot.select.left, "x"),
              plot.posToVal(plot.select.left + plot.select.width, "x"),
            );
          },
        ],
        setCursor: [
          (plot) => {
            const { left } = plot.cursor;
            if (left === undefined || left < 0) return events.onPoint(undefined);
            events.onPoint(bucketAt(bars, plot.posToVal(left, "x")));
          },
        ],
      },
    },
    [[...bars.starts], ...drawn.map(({ sums }) => sums)],
    element,
  );
  const sizes = new ResizeObserver(() => {
    const width = Math.max(element.clientWidth, 200);
    if (width !== chart.width) chart.setSize({ width, height: HEIGHT });
  });
  sizes.observe(element);
  return () => {
    sizes.disconnect();
    chart.destroy();
  };
}

/** The colour of a variable in the theme, as a canvas takes it. */
function colourOf(element: HTMLElement, name: string): string {
  const probe = element.appendChild(document.createElement("span"));
  probe.style.color = `var(${name})`;
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const WHOLE = [1, 2, 5]
  .flatMap((digit) => Array.from({ length: 9 }, (_, power) => digit * 10 ** power))
  .sort((a, b) => a - b);

const DAY = 86_400_000;

/** Texts of the axis: a time of the day, or the date where a day begins. */
function axisTimes(zone: Zone, splits: readonly number[], increment: number): string[] {
  return splits.map((at) => {
    const { date, time } = shownTime(BigInt(Math.round(at)) * 1_000_000n, zone, 0);
    if (increment >= DAY || time === "00:00:00") return date.slice(5);
    return increment < 60_000 ? time : time.slice(0, 5);
  });
}
