/** The most frequent values of fields, with the number of records that have each. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { get } from "../api/client";
import type { Facets as FacetsAnswer } from "../api/types";
import { Failure, Notice, useAnswer } from "../common/answer";
import { shownNumber, shownShare } from "../common/counted";
import type { Stream } from "../common/entry";
import { Moment } from "../common/moment";
import { termOf } from "../common/terms";
import { Text } from "../common/text";
import { hasTerm } from "../query/terms";
import { facetFields } from "./facet_fields";
import { fieldsOfSearch, type Search } from "./query";

type Facet = FacetsAnswer["facets"][number];

interface FacetsProps {
  search: Search | undefined;
  /** The query of the reader, whose terms are shown as chosen. */
  query: string;
  onTerm: (term: string) => void;
  onStreams: (streams: readonly Stream[]) => void;
}

const FIRST = 8;
const MORE = 200;

export function Facets({ search, query, onTerm, onStreams }: FacetsProps): JSX.Element {
  const answer = useAnswer(
    (signal) =>
      !search || search.isAboutEvidence
        ? Promise.resolve(undefined)
        : get<FacetsAnswer>(
            "/api/v1/facets",
            { ...fieldsOfSearch(search), fields: facetFields(search.streams), limit: FIRST },
            signal,
          ),
    [search],
  );
  const value = answer.state === "there" ? answer.value : answer.state === "waiting" ? answer.before : undefined;
  return (
    <aside class="facets" aria-label="Facets" aria-busy={answer.state === "waiting"}>
      <EvidenceFacet query={query} onTerm={onTerm} />
      {answer.state === "failed" && <Failure error={answer.error} />}
      {search?.isAboutEvidence && <p class="quiet">Records of a query about evidence cannot be counted.</p>}
      {answer.state === "waiting" && !value && <p class="quiet">Counting …</p>}
      {value?.isPartial && value.since && (
        <Notice kind="note">
          there are too many records: only those since <Moment at={value.since} /> are counted
        </Notice>
      )}
      {search &&
        value?.facets
          .filter(({ values }) => values.length > 0)
          .map((facet) => (
            <FacetGroup
              key={facet.field}
              {...{ facet, search, query, onTerm, onStreams }}
              total={Number(value.recordCount)}
            />
          ))}
    </aside>
  );
}

const STATES: readonly [term: string, name: string][] = [
  ["evidence:tampered", "tampered"],
  ["evidence:unsigned", "unsigned"],
  ["-evidence:verified", "not verified"],
];

/** Evidence is checked as records are read, so it has no counts; a press searches for a state. */
function EvidenceFacet({ query, onTerm }: Pick<FacetsProps, "query" | "onTerm">): JSX.Element {
  return (
    <section class="facet">
      <h2>evidence</h2>
      <ul>
        {STATES.map(([term, name]) => (
          <li key={term}>
            <button type="button" class="facet-value" aria-pressed={hasTerm(query, term)} onClick={() => onTerm(term)}>
              {name}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}

interface GroupProps extends FacetsProps {
  search: Search;
  facet: Facet;
  total: number;
}

function FacetGroup({ facet, total, search, ...actions }: GroupProps): JSX.Element {
  const [isOpen, setOpen] = useState(true);
  const [wantsMore, setWantsMore] = useState(false);
  const more = useAnswer(
    (signal) =>
      wantsMore
        ? get<FacetsAnswer>("/api/v1/facets", { ...fieldsOfSearch(search), fields: [facet.field], limit: MORE }, signal)
        : Promise.resolve(undefined),
    [search, wantsMore],
  );
  const shown = (more.state === "there" && more.value?.facets[0]) || facet;
  const others = Number(shown.otherValues);
  return (
    <section class="facet">
      <h2>
        <button type="button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {facet.field}
        </button>
      </h2>
      {isOpen && (
        <>
          <ul>
            {shown.values.map(({ value, count }) => (
              <FacetValue
                key={value}
                field={facet.field}
                value={value}
                count={Number(count)}
                {...{ total, search, ...actions }}
              />
            ))}
          </ul>
          {(others > 0 || Number(shown.missingCount) > 0) && (
            <p class="facet-rest quiet">
              {others > 0 && !wantsMore && (
                <button type="button" class="as-link" onClick={() => setWantsMore(true)}>
                  {shownNumber(others)} more<span class="read-out"> values of {facet.field}</span>
                </button>
              )}
              {others > 0 && wantsMore && (more.state === "waiting" ? "…" : `${shownNumber(others)} others not shown`)}
              {Number(shown.missingCount) > 0 && (
                <button type="button" class="as-link" onClick={() => actions.onTerm(`-${facet.field}:*`)}>
                  {shownNumber(shown.missingCount)} without
                </button>
              )}
            </p>
          )}
        </>
      )}
    </section>
  );
}

interface ValueProps extends FacetsProps {
  search: Search;
  field: string;
  value: string;
  count: number;
  total: number;
}

function FacetValue({ field, value, count, total, search, query, onTerm, onStreams }: ValueProps): JSX.Element {
  const isStream = field === "stream";
  const term = termOf(field, value);
  const share = total > 0 ? (100 * count) / total : 0;
  const exclude = () =>
    isStream ? onStreams(search.streams.filter((stream) => stream !== value)) : onTerm(`-${term}`);
  const choose = (event: MouseEvent) => {
    if (event.shiftKey) exclude();
    else if (isStream) onStreams([value as Stream]);
    else onTerm(term);
  };
  return (
    <li>
      <button type="button" class="facet-value" aria-pressed={!isStream && hasTerm(query, term)} onClick={choose}>
        <span class="facet-name">
          <Text text={value || "(empty)"} most={120} />
        </span>
        <span class="facet-count">
          {shownNumber(count)} <span class="quiet">{shownShare(count, total)}</span>
        </span>
        <span class="facet-bar" aria-hidden="true" style={{ width: `${share}%` }} />
      </button>
      {(!isStream || search.streams.length > 1) && (
        <button
          type="button"
          class="facet-minus"
          aria-pressed={!isStream && hasTerm(query, `-${term}`)}
          onClick={exclude}
        >
          <span aria-hidden="true">−</span>
          <span class="read-out">
            exclude <Text text={value || "(empty)"} most={100} />
          </span>
        </button>
      )}
    </li>
  );
}
