/** The sum of a trace: when, who, where, with which errors, what is missing, and whether it can be proved. */
import type { JSX } from "preact";
import { change } from "../app/location";
import { zone } from "../app/preferences";
import { actorPath, searchPath } from "../app/routes";
import { Notice } from "../common/answer";
import { Copy } from "../common/copy";
import { counted } from "../common/counted";
import { Text } from "../common/text";
import { shownTime, zoneName } from "../common/time";
import type { CheckOfAll } from "./check_all";
import { EvidenceFacts } from "./evidence_facts";
import { Fact } from "./fact";
import type { LoadedTrace } from "./load";
import { durationText, offsetText } from "./notes";
import { length, type Period } from "./quiet";
import { COLOURS } from "./row";
import type { Summary } from "./summary";
import type { TraceView } from "./view";

interface Props {
  trace: LoadedTrace;
  view: TraceView;
  summary: Summary;
  quiet: readonly Period[];
  check: CheckOfAll;
}

export function Heading({ trace, view, summary, quiet, check }: Props): JSX.Element {
  const { layout, filter } = view;
  const { date, time } = shownTime(layout.base, zone.value);
  return (
    <header class="trace-heading">
      <div class="trace-title">
        <h1>
          Trace <code>{trace.traceId}</code>
        </h1>
        <Copy text={trace.traceId} label="copy ID" />
      </div>
      <dl class="trace-facts">
        <Fact name="Time">
          {date} {time} {zoneName(layout.base, zone.value)}, took {durationText(layout.last - layout.first)}
          {layout.implausible > 0 && (
            <>
              , without {counted(layout.implausible, "entry", "entries")} dated before 2000 or in the future{" "}
              <span aria-hidden="true">⚠</span>
            </>
          )}
        </Fact>
        <Fact name="Entries">
          <span aria-hidden="true" class="shape-audit">
            ◆
          </span>{" "}
          {counted(trace.audits, "audit event")} <span aria-hidden="true">•</span> {counted(trace.logs, "log")}{" "}
          <span aria-hidden="true">▬</span> {counted(trace.spans, "span")}
        </Fact>
        <Fact name="Errors">
          {summary.errors ? (
            <button
              type="button"
              class="trace-chip trace-chip-error"
              aria-pressed={filter.errors}
              onClick={() => change({ errors: filter.errors ? "" : "1" })}
            >
              ✘ {counted(summary.errors, "error")}
            </button>
          ) : (
            "none"
          )}
        </Fact>
        <Fact name="Services">
          <Services names={summary.services} chosen={filter.service} />
        </Fact>
        <Fact name="Actors">
          {summary.actors.size === 0 && "none"}
          {[...summary.actors].slice(0, 30).map(([id, name]) => (
            <a key={id} class="trace-chip" href={actorPath(id)}>
              <Text text={name ? `${name} (${id})` : id} most={100} />
            </a>
          ))}
          {summary.actors.size > 30 && `and ${summary.actors.size - 30} more`}
        </Fact>
        <EvidenceFacts summary={summary} check={check} view={view} />
        <Fact name="Gaps">
          <Gaps trace={trace} view={view} summary={summary} quiet={quiet} />
        </Fact>
        <Fact name="Elsewhere">
          <a href={searchPath(`trace:${trace.traceId}`)}>show in search</a>
          {trace.links
            .filter(({ url }) => isWeb(url))
            .map(({ name, url }) => (
              <a key={name} href={url} rel="noreferrer" target="_blank">
                <Text text={name} most={60} /> <span aria-hidden="true">↗</span>
              </a>
            ))}
        </Fact>
      </dl>
      {trace.isUnprovedOmitted && (
        <Notice kind="error">
          Entries that cannot be proved are not shown: they were never signed, or were tampered with.
        </Notice>
      )}
    </header>
  );
}

/** The services, each a filter, with the colour of its bars. */
function Services({ names, chosen }: { names: readonly string[]; chosen: string }): JSX.Element {
  const chips = names.map((name, at) => (
    <button
      key={name}
      type="button"
      class="trace-chip"
      title="show only this service"
      aria-pressed={name === chosen}
      onClick={() => change({ service: name === chosen ? "" : name })}
    >
      <span class={`service-swatch service-${at % COLOURS}`} aria-hidden="true" /> <Text text={name} most={60} />
    </button>
  ));
  return (
    <>
      {chips.slice(0, FEW)}
      {chips.length > FEW && (
        <details open={names.indexOf(chosen) >= FEW}>
          <summary>and {chips.length - FEW} more</summary>
          {chips.slice(FEW)}
        </details>
      )}
    </>
  );
}

const FEW = 12;

function Gaps({ trace, view, summary, quiet }: Omit<Props, "check">): JSX.Element {
  const { missing } = summary;
  const first = view.layout.rows.findIndex(({ kind }) => kind === "missing");
  return (
    <>
      {missing.length > 0 && trace.isComplete && (
        <button type="button" class="trace-chip trace-chip-warning" onClick={() => view.show(first)}>
          <span aria-hidden="true">?</span> {counted(missing.length, "missing span")}: not sent, or not received
        </button>
      )}
      {quiet.map((period) => (
        <button
          key={period.from}
          type="button"
          class="trace-chip"
          title="Nothing is dated in this time, and no span ran but those that waited for others"
          onClick={() => view.zoomTo({ from: period.from - length(period) / 2, to: period.to + length(period) / 2 })}
        >
          nothing for {durationText(length(period))} at {offsetText(period.from)}
        </button>
      ))}
      {missing.length + quiet.length === 0 && "none seen"}
    </>
  );
}

/** Return whether a link of the server's settings leads to the web. */
const isWeb = (url: string): boolean => /^https?:\/\//i.test(url);
