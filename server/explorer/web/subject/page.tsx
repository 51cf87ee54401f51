/** Everything of one actor, or on one target, in time. */
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { serverNow } from "../api/clock";
import { parameters, withParameters } from "../app/location";
import { Failure, Notice } from "../common/answer";
import { Command } from "../common/copy";
import { counted } from "../common/counted";
import { Moment } from "../common/moment";
import { Text } from "../common/text";
import { isWrongQuery } from "../query/errors";
import { Activity } from "./activity";
import { type Found, useEvents, useWholeOverview } from "./ask";
import { Controls } from "./controls";
import { Events } from "./events";
import { fieldsWithUnknownFirsts } from "./first_marks";
import { Nobody } from "./nobody";
import { Overview, Summary } from "./overview";
import { commandFor, isNarrowed, type Kind, type Subject, viewOf } from "./view";

export default function Page({ route }: { route: { page: Kind; id: string } }): JSX.Element {
  // Of another subject nothing stays, not even until the answer is there: these would be events of somebody else.
  return <SubjectPage key={`${route.page} ${route.id}`} route={route} />;
}

function SubjectPage({ route }: { route: { page: Kind; id: string } }): JSX.Element {
  const subject = useMemo((): Subject => ({ kind: route.page, id: route.id }), [route.page, route.id]);
  const view = viewOf(parameters.value, subject.kind);
  const now = useMemo(serverNow, [subject, view.since, view.until]);
  const asked = useEvents(subject, view, now);
  const wider = useWholeOverview(subject, view, now);
  const { found } = asked;
  const isAll = !isNarrowed(view);
  const whole = isAll ? found?.overview : wider.state === "there" ? wider.value : undefined;
  const isEmpty = found !== undefined && !asked.isWaiting && found.overview?.eventCount === "0";
  return (
    <article class="subject">
      <h1>
        <span class="quiet">{subject.kind === "actor" ? "Actor" : "Target"}</span> <Text text={subject.id} most={300} />
      </h1>
      {found?.overview && !isEmpty && <Summary overview={found.overview} />}
      <Controls subject={subject} view={view} now={now} error={asked.error} />
      {asked.error && !found && !isWrongQuery(asked.error) && (
        <>
          <Failure error={asked.error} />
          <button type="button" onClick={asked.more}>
            Try again
          </button>
        </>
      )}
      {!found && !asked.error && <p role="status">Loading …</p>}
      {isEmpty && <Nobody subject={subject} view={view} ofThisName={found.actorsOfThisName} />}
      {found && !isEmpty && (
        <div class="sides">
          {found.overview && <Overview overview={found.overview} query={view.query} />}
          <div class="time-side">
            <Activity subject={subject} view={view} now={now} />
            <Notes found={found} unknown={found.next || !isAll ? fieldsWithUnknownFirsts(whole, subject.kind) : []} />
            <Events subject={subject} view={view} asked={asked} found={found} whole={whole} isAll={isAll} />
          </div>
        </div>
      )}
      {isEmpty && <Notes found={found} unknown={[]} />}
      <Command text={commandFor(subject, view)} />
      <p class="quiet">
        Only stored records can be shown: <a href="/verify">verification</a> shows whether one is missing.
      </p>
    </article>
  );
}

function Notes({ found, unknown }: { found: Found; unknown: readonly string[] }): JSX.Element {
  const { laterCount, until, unprovedOmitted } = found;
  return (
    <>
      {laterCount > 0 && (
        <Notice kind="note">
          {counted(laterCount, "event is", "events are")} dated <Moment at={until} /> or later, and not among these:{" "}
          <a href={withParameters({ since: until, until: undefined })}>show {laterCount === 1 ? "it" : "them"}</a>.
        </Notice>
      )}
      {unprovedOmitted && (
        <Notice kind="warning">
          Events that cannot be proved are not shown yet: they were never signed, or were tampered with. They are on the
          last pages: scroll to the end.
        </Notice>
      )}
      {unknown.length > 0 && (
        <p class="quiet">
          <span aria-hidden="true">★</span> First times are marked for the 20 values that the overview lists. For other
          values of {unknown.join(" and ")}, clear the query and the time range, and scroll to the end.
        </p>
      )}
    </>
  );
}
