/** The fields of a record as rows of a table. */
import { ownOf } from "../common/own";
import { base64Of, textOf } from "../proof/bytes";
import type { Pairs, Value } from "../proof/canonical";
import type { Kind } from "../proof/columns";
import { type ReadRecord, timeText } from "../proof/readable";

/** A field: its name, the key or number within it if it has several values, its type, and its value as text. */
export interface Row {
  readonly name: string;
  readonly key: string;
  readonly type: string;
  readonly text: string;
}

const FIRST = [
  ..."Timestamp IngestedAt Tenant ServiceName SeverityText SeverityNumber EventName SpanName Duration".split(" "),
  ..."Action Outcome ActorId ActorName ActorType EffectiveActorId TargetId TargetType SourceId SourceType".split(" "),
  ..."SourceHost Category Description Body LogAttributes SpanAttributes ResourceAttributes".split(" "),
];
const NUMBERS: Record<string, string> = { "1": "number, 8 bits", "4": "number, 32 bits", "8": "number, 64 bits" };

/** The fields that have a value, the most telling ones first, and the names of the others. */
export function rowsOf(record: ReadRecord): { rows: Row[]; empty: string[] } {
  const names = [...record.columns.keys()];
  const order = [...FIRST.filter((name) => record.columns.has(name)), ...names.filter((name) => !FIRST.includes(name))];
  const rows: Row[] = [];
  const empty: string[] = [];
  for (const name of order) {
    const column = record.columns.get(name);
    if (!column) continue;
    if (isEmpty(column.value)) empty.push(name);
    else rows.push(...rowsIn(name, "", column.kind, column.value));
  }
  return { rows, empty };
}

function isEmpty(value: Value): boolean {
  return typeof value === "bigint" ? value === 0n : value.length === 0;
}

function rowsIn(name: string, key: string, kind: Kind, value: Value): Row[] {
  if (kind.endsWith("[]")) {
    const of = kind.slice(0, -2) as Kind;
    return (value as readonly Value[]).flatMap((each, at) => rowsIn(name, `${at + 1}`, of, each));
  }
  if (kind === "map") {
    return (value as Pairs).map(([inner, content]) => {
      const { type, text } = shown(content);
      const shownKey = shown(inner);
      const word = shownKey.type === "text" ? shownKey.text : `base64 ${shownKey.text}`;
      return { name, key: key ? `${key} ${word}` : word, type, text };
    });
  }
  if (kind === "text") return [{ name, key, ...shown(value as Uint8Array) }];
  if (kind === "time") return [{ name, key, type: "time", text: timeText(value as bigint) }];
  return [{ name, key, type: ownOf(NUMBERS, kind) ?? "number", text: String(value) }];
}

function shown(raw: Uint8Array): { type: string; text: string } {
  const text = textOf(raw);
  return text === undefined ? { type: "bytes, in base64", text: base64Of(raw) } : { type: "text", text };
}
