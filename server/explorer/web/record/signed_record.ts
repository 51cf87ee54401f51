/** The record as it was signed, for people: all columns of its canonical form, and what redaction did to it. */

import type { FieldGroup } from "../common/field_list";
import { markedParts } from "../common/redactions";
import { commitmentsIn } from "../proof/disclosures";
import type { Json } from "../proof/json";
import { type ReadRecord, readableOf } from "../proof/readable";
import { isObject, parsedText, shown } from "./diff";

/** The columns of a canonical record that have a value, by their names in storage. */
export function columnsOfRecord(record: ReadRecord): FieldGroup {
  const fields = [...readableOf(record)]
    .filter(([name, value]) => record.columns.has(name) && !isEmpty(value))
    .map(([name, value]) => ({
      name,
      type: record.columns.get(name)?.kind === "text" ? "string" : "",
      values: [valueText(value)],
      isSearchable: false,
    }));
  return { title: "Signed record: all columns of its canonical form", fields };
}

/** A report of what redaction did to a record. */
export interface RedactionReport {
  /** Number of values that each rule replaced before the record was signed, from the signed column Redactions. */
  readonly counts: readonly (readonly [rule: string, count: string])[];
  /** Commitments that the server made: their values can be disclosed until they are erased. */
  readonly commitments: readonly { readonly rule: string; readonly digits: string }[];
  /** Number of texts like a commitment that the sender wrote. */
  readonly ofSender: number;
}

/** Report what redaction did to a record, by its signed columns. */
export function redactionsOf(record: ReadRecord): RedactionReport {
  const readable = readableOf(record);
  const counts = parsedText(shown(readable.get("Redactions") ?? ""));
  const { marks, made } = commitmentsIn(readable);
  const commitments = [...marks].flatMap(([mark, digits]) => {
    const [part] = markedParts(mark);
    return made.has(digits) && part?.kind === "commitment" ? [{ rule: part.rule, digits }] : [];
  });
  return {
    counts: isObject(counts) ? [...counts].map(([rule, count]) => [rule, shown(count)] as const) : [],
    commitments,
    ofSender: marks.size - commitments.length,
  };
}

function isEmpty(value: Json): boolean {
  if (value instanceof Map) return value.size === 0 || value.get("unix_nanos") === 0n;
  return value === "" || value === 0n || (Array.isArray(value) && value.length === 0);
}

/** A time as its text; everything else as JSON, unless it is a text. */
function valueText(value: Json): string {
  const time = isObject(value) ? value.get("time") : undefined;
  const isTime = isObject(value) && value.size === 2 && value.has("unix_nanos");
  return isTime && typeof time === "string" ? time : shown(value);
}
