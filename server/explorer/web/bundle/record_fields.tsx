/** The record: all its fields, with their types, and the values that are open. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Text } from "../common/text";
import { type Json, jsonText } from "../proof/json";
import type { ReadRecord } from "../proof/readable";
import { LongText } from "./long_text";
import { rowsOf } from "./rows";

const MOST_ROWS = 200;

/** The table of fields. `disclosed` has opened values by the marks that stand for them. */
export function RecordFields({
  record,
  isProved,
  disclosed,
}: {
  record: ReadRecord;
  isProved: boolean;
  disclosed: ReadonlyMap<string, Json> | undefined;
}): JSX.Element {
  const { rows, empty } = useMemo(() => rowsOf(record), [record]);
  const [most, setMost] = useState(MOST_ROWS);
  return (
    <section class={isProved ? "" : "unproved"} aria-labelledby="record-heading">
      <h2 id="record-heading">The record{isProved ? ", proved" : ", as this file has it: not proved"}</h2>
      <table class="fields">
        <thead>
          <tr>
            <th scope="col">Field</th>
            <th scope="col">Type</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, most).map(({ name, key, type, text }, at) => (
            <tr key={at}>
              <th scope="row">
                {name}
                {key && (
                  <>
                    {" "}
                    <Text text={key} most={300} />
                  </>
                )}
              </th>
              <td class="quiet">{type}</td>
              <td>
                <LongText text={text} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > most && (
        <p>
          <button type="button" onClick={() => setMost(most + 5 * MOST_ROWS)}>
            Show more of the {rows.length} fields
          </button>
        </p>
      )}
      {empty.length > 0 && <p class="quiet">Empty or 0: {empty.join(", ")}</p>}
      {disclosed !== undefined && disclosed.size > 0 && <Disclosed disclosed={disclosed} />}
    </section>
  );
}

function Disclosed({ disclosed }: { disclosed: ReadonlyMap<string, Json> }): JSX.Element {
  return (
    <>
      <h3>Values that are open in this file</h3>
      <table class="fields">
        <thead>
          <tr>
            <th scope="col">In the record</th>
            <th scope="col">Value</th>
          </tr>
        </thead>
        <tbody>
          {[...disclosed].map(([mark, value]) => (
            <tr key={mark}>
              <th scope="row">
                <Text text={mark} />
              </th>
              <td>
                <LongText text={typeof value === "string" ? value : jsonText(value)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  );
}
