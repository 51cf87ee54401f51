/** Links and buttons that take something away from the page of a record: a bundle, a link, the record as JSON. */
import type { JSX } from "preact";
import { pathOf } from "../api/client";
import { actorPath, logPath, recordPath, searchPath, targetPath, tracePath } from "../app/routes";
import { Copy } from "../common/copy";
import { type Entry, placeInTrace } from "../common/entry";
import type { Field } from "../common/field_list";
import { termOf } from "../common/terms";
import { plainOf } from "../common/text";
import { bundleName, type Place } from "./commands";

interface ActionsProps {
  place: Place;
  entry?: Entry;
  /** True if the server can make a bundle, and gives it to the reader. */
  hasBundle: boolean;
}

/** The buttons of the page. */
export function Actions({ place, entry, hasBundle }: ActionsProps): JSX.Element {
  const { logId, leaf } = place;
  const bundle = (format: string) => pathOf(`/api/v1/logs/${logId}/bundle`, { leaf_index: leaf, format });
  return (
    <p class="record-actions">
      {hasBundle && (
        <>
          <a class="button primary" href={bundle("html")} download={bundleName(place, "html")}>
            Download bundle (HTML that checks itself)
          </a>
          <a class="button" href={bundle("zip")} download={bundleName(place, "zip")}>
            Bundle as zip
          </a>
        </>
      )}
      <Copy text={location.origin + recordPath(logId, leaf)} label="Copy permanent link" />
      <Copy text={`${place.origin}#${leaf}`} label="Copy LOG#LEAF" />
      {entry && <Copy text={() => jsonOf(entry)} label="Copy as JSON" />}
    </p>
  );
}

function jsonOf(entry: Entry): string {
  return JSON.stringify(entry.stream === "spans" ? entry.span : entry.record, null, 2);
}

/** Links to what else is known of a record's trace, actor and target, and to its log. */
export function Related({ entry, place }: { entry: Entry; place: Place }): JSX.Element {
  const audit = entry.stream === "spans" ? undefined : entry.record.audit;
  return (
    <ul class="related" aria-label="Related pages">
      {entry.traceId && (
        <li>
          <a href={tracePath(entry.traceId, placeInTrace(entry))}>Its trace</a>
        </li>
      )}
      {audit?.actorId && (
        <li>
          <a href={actorPath(audit.actorId)}>Everything by this actor</a>
        </li>
      )}
      {audit?.targetId && (
        <li>
          <a href={targetPath(audit.targetId)}>Everything done to this target</a>
        </li>
      )}
      <li>
        <a href={logPath(place.logId)}>Its log</a>
      </li>
    </ul>
  );
}

const LONGEST = 300; // characters of a value that makes a usable query

/** Links of a field's row: search for the same value, or for all others. */
export function FieldLinks({ field, value, stream }: { field: Field; value: string; stream: string }): JSX.Element {
  const isSearchable = field.isSearchable && value.length <= LONGEST;
  const term = isSearchable ? termOf(field.name, value) : "";
  return (
    <>
      {isSearchable && (
        <>
          <a class="field-link" href={searchPath(term, { streams: stream })}>
            find<span class="read-out"> records with the same {plainOf(field.name, 80)}</span>
          </a>
          <a class="field-link" href={searchPath(`-${term}`, { streams: stream, access: "" })}>
            exclude<span class="read-out"> this {plainOf(field.name, 80)}</span>
          </a>
        </>
      )}
      <Copy text={value} of={plainOf(field.name, 80)} />
    </>
  );
}
