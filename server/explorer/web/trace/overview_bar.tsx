/** The whole trace from far; dragging over it zooms. */
import type { JSX } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { axisOf, placeOn } from "./axis";
import type { Layout } from "./layout";
import { areaOf, minimapOf } from "./minimap";
import { durationText, offsetText } from "./notes";
import { length, type Period } from "./quiet";
import type { TraceView } from "./view";

const STEPS = 240;
const HEIGHT = 44;
const LEAST = 4; // pixels; a shorter way is a click

export function OverviewBar({ view, quiet }: { view: TraceView; quiet: readonly Period[] }): JSX.Element {
  const { layout, axis, filter } = view;
  const whole = useMemo(() => axisOf(layout, undefined), [layout]);
  const [dragged, setDragged] = useState<Period>();
  const start = useRef<{ x: number; at: number } | undefined>(undefined);

  const timeOf = (event: PointerEvent): number => {
    const { left, width } = (event.currentTarget as Element).getBoundingClientRect();
    const part = Math.min(Math.max((event.clientX - left) / width, 0), 1);
    return Math.round(whole.from + part * (whole.to - whole.from));
  };
  const periodTo = (event: PointerEvent): Period | undefined => {
    const from = start.current;
    if (!from || Math.abs(event.clientX - from.x) < LEAST) return undefined;
    const at = timeOf(event);
    return { from: Math.min(from.at, at), to: Math.max(from.at, at) };
  };
  return (
    <div class="overview">
      <div
        class="overview-bar"
        onPointerDown={(event) => {
          if (event.button) return;
          start.current = { x: event.clientX, at: timeOf(event) };
          event.currentTarget.setPointerCapture(event.pointerId);
        }}
        onPointerMove={(event) => start.current && setDragged(periodTo(event))}
        onPointerUp={(event) => {
          const period = periodTo(event);
          start.current = undefined;
          setDragged(undefined);
          if (period && period.to > period.from) view.zoomTo(period);
        }}
        onPointerCancel={() => {
          start.current = undefined;
          setDragged(undefined);
        }}
      >
        <Picture layout={layout} quiet={quiet} />
        {filter.time && <Outside whole={whole} shown={axis} />}
        {dragged && <Range whole={whole} period={dragged} />}
      </div>
      <div class="overview-controls">
        <span role="status" class="quiet">
          {filter.time
            ? `shown: ${offsetText(axis.from)} to ${offsetText(axis.to)} (${durationText(length(axis))})`
            : `${durationText(length(whole))}: drag over the bar to zoom`}
        </span>
        <button type="button" onClick={() => view.zoomBy(0.5)}>
          zoom in <kbd>+</kbd>
        </button>
        <button type="button" disabled={!filter.time} onClick={() => view.zoomBy(2)}>
          zoom out <kbd>-</kbd>
        </button>
        <button type="button" disabled={!filter.time} onClick={() => view.zoomTo(undefined)}>
          whole trace <kbd>0</kbd>
        </button>
      </div>
    </div>
  );
}

function Picture({ layout, quiet }: { layout: Layout; quiet: readonly Period[] }): JSX.Element {
  return useMemo(() => {
    const { spans, logs, audits, errors } = minimapOf(layout, STEPS);
    const whole = axisOf(layout, undefined);
    const x = (at: number) => (placeOn(whole, at) / 100) * STEPS;
    const lines = (steps: readonly number[], from: number, to: number) =>
      steps.map((step) => `M${step + 0.5} ${from}V${to}`).join("");
    return (
      <svg viewBox={`0 0 ${STEPS} ${HEIGHT}`} preserveAspectRatio="none" role="img">
        <title>
          The whole trace: upwards the spans that ran, downwards the logs; lines over the full height are audit events,
          short lines at the bottom are errors, gaps are periods in which nothing happened
        </title>
        {quiet.map(({ from, to }) => (
          <rect key={from} class="map-quiet" x={x(from)} width={x(to) - x(from)} y={0} height={HEIGHT} />
        ))}
        <path class="map-spans" d={areaOf(spans, 26, 24)} />
        <path class="map-logs" d={areaOf(logs, 27, -10)} />
        <path class="map-errors" d={lines(errors, 38, HEIGHT)} />
        <path class="map-audits" d={lines(audits, 0, 37)} />
      </svg>
    );
  }, [layout, quiet]);
}

function Outside({ whole, shown }: { whole: Period; shown: Period }): JSX.Element {
  return (
    <>
      <span class="outside" style={{ left: 0, width: `${placeOn(whole, shown.from)}%` }} />
      <span class="outside" style={{ left: `${placeOn(whole, shown.to)}%`, right: 0 }} />
    </>
  );
}

function Range({ whole, period }: { whole: Period; period: Period }): JSX.Element {
  const left = placeOn(whole, period.from);
  return (
    <span class="dragged" style={{ left: `${left}%`, width: `${placeOn(whole, period.to) - left}%` }}>
      {durationText(length(period))}
    </span>
  );
}
