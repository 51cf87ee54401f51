/** All fields of an entry: name, type, value, and what one can do with it. */
import type { ComponentChildren, JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { zone } from "../app/preferences";
import { Copy } from "./copy";
import { shownNumber } from "./counted";
import type { Entry } from "./entry";
import { commitmentsOf, type Field, type FieldGroup, fieldGroupsOf, isBlock, runsOf } from "./field_list";
import { looksLikeJson, prettyJson } from "./json_text";
import { markedParts, meaningOf } from "./redactions";
import { ShowMore } from "./show_more";
import { beginningOf, Text } from "./text";
import { nanosIn, shownTime, zoneName } from "./time";

interface FieldsProps {
  entry: Entry;
  /** Controls of a row, beside its value, such as a filter. */
  actions?: (field: Field, value: string) => ComponentChildren;
}

/** The fields of an entry as a table for each group. */
export function Fields({ entry, actions }: FieldsProps): JSX.Element {
  const groups = useMemo(() => fieldGroupsOf(entry), [entry]);
  const made = useMemo(() => commitmentsOf(entry), [entry]);
  const table = (group: FieldGroup) => <FieldTable key={group.title} group={group} made={made} actions={actions} />;
  return (
    <div class="field-groups" key={entry.key}>
      {runsOf(groups).map(({ series, run }) =>
        series ? (
          <Series key={series} noun={series} run={run} table={table} />
        ) : (
          run.map(table) // a few
        ),
      )}
    </div>
  );
}

const MOST_GROUPS = 50;
const MOST_FIELDS = 200;
const MOST_VALUES = 50;

/** Groups of one series: the first ones, and more on request. */
function Series({
  noun,
  run,
  table,
}: {
  noun: string;
  run: readonly FieldGroup[];
  table: (group: FieldGroup) => JSX.Element;
}): JSX.Element {
  const [most, setMost] = useState(MOST_GROUPS);
  return (
    <>
      {run.slice(0, most).map(table)}
      <ShowMore of={run.length} most={most} step={MOST_GROUPS} noun={noun} onMore={setMost} />
    </>
  );
}

interface TableProps {
  group: FieldGroup;
  made: ReadonlySet<string>;
  actions?: FieldsProps["actions"];
}

/** One group of fields. `made` has the commitments that the server has made in the record. */
export function FieldTable({ group: { title, fields }, made, actions }: TableProps): JSX.Element {
  const [most, setMost] = useState(MOST_FIELDS);
  return (
    <div class="field-table">
      <TableOf {...{ title, made, actions }} fields={fields.slice(0, most)} />
      <ShowMore of={fields.length} most={most} step={MOST_FIELDS} noun="fields" onMore={setMost} />
    </div>
  );
}

function TableOf({ title, fields, made, actions }: FieldGroup & Omit<TableProps, "group">): JSX.Element {
  return (
    <table class="fields">
      <caption>{title}</caption>
      <thead class="read-out">
        <tr>
          <th scope="col">Field</th>
          <th scope="col">Type</th>
          <th scope="col">Value</th>
          {actions && <th scope="col">Actions</th>}
        </tr>
      </thead>
      <tbody>
        {fields.map((field) => (
          <tr key={field.name} class={isBlock(field) ? "field-block" : undefined}>
            <th scope="row">
              <Text text={field.name} most={300} />
            </th>
            <td class="field-type">{field.type}</td>
            <td class="field-value">
              <Values field={field} made={made} />
            </td>
            {actions && <td class="field-actions">{actions(field, field.values.at(-1) ?? "")}</td>}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Values({ field: { values, type }, made }: { field: Field; made: ReadonlySet<string> }): JSX.Element {
  const [most, setMost] = useState(MOST_VALUES);
  const [only] = values;
  if (values.length === 1 && only !== undefined) return <Value text={only} type={type} made={made} />;
  return (
    <>
      <span class="quiet">sent {values.length} times; the last value counts</span>
      <ol class="field-values">
        {values.slice(0, most).map((value, at) => (
          <li key={at}>
            <Value text={value} type={type} made={made} />
          </li>
        ))}
      </ol>
      <ShowMore of={values.length} most={most} step={MOST_VALUES} noun="values" onMore={setMost} />
    </>
  );
}

const FIRST = 2_000;
const STEP = 50_000;
const LARGE = 50_000; // characters; a text that is longer is parsed on request only

/** A value from storage: cut if it is long, over several lines on request if it is JSON. */
export function Value({
  text,
  type = "string",
  made = new Set(),
}: {
  text: string;
  type?: string;
  made?: ReadonlySet<string>;
}): JSX.Element {
  const [most, setMost] = useState(FIRST);
  const [isPretty, setPretty] = useState(false);
  const shown = useMemo(() => (isPretty ? (prettyJson(text) ?? text) : text), [text, isPretty]);
  const isJson = useMemo(
    () => text.length > 20 && looksLikeJson(text) && (text.length > LARGE || isParsed(text)),
    [text],
  );
  if (type === "time") return <TimeValue text={text} />;
  const rest = shown.length - most;
  return (
    <>
      <MarkedText text={rest > 0 ? beginningOf(shown, most) : shown} isMono={isPretty} made={made} />
      {rest > 0 && (
        <span class="cut">
          {" "}
          … {shownNumber(rest)} more characters{" "}
          <button type="button" onClick={() => setMost(most + STEP)}>
            show {shownNumber(Math.min(rest, STEP))} more
          </button>{" "}
          <Copy text={text} label="copy all" />
        </span>
      )}
      {isJson && (
        <button type="button" class="copy" aria-pressed={isPretty} onClick={() => setPretty(!isPretty)}>
          {isPretty ? "as stored" : "as lines"}
        </button>
      )}
    </>
  );
}

/** Return whether a text is JSON, and not only like it, as the marks of redaction are. */
const isParsed = (text: string): boolean => prettyJson(text) !== undefined;

/** Text with the marks of redaction set apart from it. */
function MarkedText({ text, isMono, made }: { text: string; isMono: boolean; made: ReadonlySet<string> }): JSX.Element {
  const parts = useMemo(() => markedParts(text), [text]);
  return (
    <span class={isMono ? "mono" : undefined}>
      {parts.map((part, at) =>
        part.kind === "text" ? (
          <Text key={at} text={part.text} most={Number.POSITIVE_INFINITY} />
        ) : (
          <span key={at} class={`redaction redaction-${part.kind}`} title={meaningOf(part, made)}>
            <Text text={part.text} />
          </span>
        ),
      )}
    </span>
  );
}

function TimeValue({ text }: { text: string }): JSX.Element {
  const nanos = nanosIn(text);
  if (nanos === undefined || zoneName(nanos, zone.value) === "UTC") return <Text text={text} />;
  const { date, time } = shownTime(nanos, "local", 9);
  return (
    <>
      <Text text={text} />{" "}
      <span class="quiet">
        ({date} {time} {zoneName(nanos, "local")})
      </span>
    </>
  );
}
