import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../proof/bytes";
import type { Column, Value } from "../proof/canonical";
import type { Kind } from "../proof/columns";
import type { ReadRecord } from "../proof/readable";
import { rowsOf } from "./rows";

const recordOf = (columns: Record<string, [Kind, Value]>): ReadRecord => ({
  origin: "shop/spans/a",
  stream: "spans",
  leafIndex: 0n,
  version: 2,
  entry: "",
  columns: new Map(
    Object.entries(columns).map(([name, [kind, value]]): [string, Column] => [
      name,
      { kind, value, raw: new Uint8Array() },
    ]),
  ),
});

test("each value of a field is a row with its type, the most telling fields first", () => {
  const { rows, empty } = rowsOf(
    recordOf({
      TraceId: ["text", utf8("4bf9")],
      TraceState: ["text", utf8("")],
      SpanAttributes: [
        "map",
        [
          [utf8("a"), utf8("1")],
          [Uint8Array.of(255), Uint8Array.of(254)],
        ],
      ],
      Timestamp: ["time", 1_767_225_600_000_000_005n],
      Duration: ["8", 18_446_744_073_709_551_615n],
      "Events.Timestamp": ["time[]", [1n, 2n]],
      "Events.Attributes": ["map[]", [[], [[utf8("b"), utf8("")]]]],
      Flags: ["4", 0n],
      "Links.TraceId": ["text[]", []],
    }),
  );
  assert.deepEqual(
    rows.map(({ name, key, type, text }) => `${name}|${key}|${type}|${text}`),
    [
      "Timestamp||time|2026-01-01T00:00:00.000000005Z",
      "Duration||number, 64 bits|18446744073709551615",
      "SpanAttributes|a|text|1",
      "SpanAttributes|base64 /w==|bytes, in base64|/g==",
      "TraceId||text|4bf9",
      "Events.Timestamp|1|time|1970-01-01T00:00:00.000000001Z",
      "Events.Timestamp|2|time|1970-01-01T00:00:00.000000002Z",
      "Events.Attributes|2 b|text|",
    ],
  );
  assert.deepEqual(empty, ["TraceState", "Flags", "Links.TraceId"]);
});
