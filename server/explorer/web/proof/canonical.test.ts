import assert from "node:assert/strict";
import { test } from "node:test";
import { joined, utf8 } from "./bytes";
import { decodeRecord, versionOf } from "./canonical";
import { columnsOf, type Kind, type Stream, streamOf } from "./columns";
import { VerificationError } from "./errors";
import { readableOf, readRecord, timeText } from "./readable";

const int64 = (value: bigint) => new Uint8Array(new BigInt64Array([value]).buffer);
const text = (value: string) => joined(Uint8Array.of(utf8(value).length), utf8(value));
const pairs = (...all: [string, string][]) => joined(Uint8Array.of(all.length), ...all.flat().map(text));
const EMPTY: Record<string, Uint8Array> = { text: text(""), map: pairs(), time: int64(0n), "1": new Uint8Array(1) };
const empty = (kind: Kind) => EMPTY[kind] ?? (kind.endsWith("[]") ? Uint8Array.of(0) : new Uint8Array(Number(kind)));

function recordOf(stream: Stream, version: 1 | 2, values: Record<string, Uint8Array> = {}): Uint8Array {
  const columns = columnsOf(stream, version).map(([name, kind]) => values[name] ?? empty(kind));
  return joined(version === 1 ? new Uint8Array() : int64(-2n), ...columns);
}

test("a record of each stream and version is decoded, with the bytes of each column", () => {
  for (const [stream, version] of [
    ["audit", 1],
    ["audit", 2],
    ["operational", 1],
    ["operational", 2],
    ["spans", 2],
  ] as const) {
    const record = recordOf(stream, version, { ServiceName: text("shop"), Timestamp: int64(1n) });
    const columns = decodeRecord(record, stream);
    assert.deepEqual(
      [...columns.keys()],
      columnsOf(stream, version).map(([name]) => name),
    );
    assert.deepEqual(columns.get("ServiceName")?.raw, text("shop"));
    assert.equal(columns.get("Timestamp")?.value, 1n);
    const raws = [...columns.values()].map(({ raw }) => raw);
    assert.deepEqual(joined(...raws), record.subarray(version === 1 ? 0 : 8));
  }
});

test("a record says in JSON what record.json says", async () => {
  const values = { LogAttributes: pairs(["a", "1"], ["a", "2"]), ScopeAttributes: pairs(["__proto__", "x"]) };
  const said = readableOf(await readRecord(recordOf("operational", 2, values), "shop/operational/a", 3n));
  assert.deepEqual(said.get("LogAttributes"), [
    ["a", "1"],
    ["a", "2"],
  ]);
  assert.deepEqual(said.get("ScopeAttributes"), new Map([["__proto__", "x"]]));
  assert.deepEqual([...said.keys()].slice(0, 4), ["Origin", "LeafIndex", "CanonicalVersion", "Entry"]);
  assert.equal(said.get("LeafIndex"), 3n);
});

test("a record that is cut off anywhere, or goes on, is refused", () => {
  const record = recordOf("spans", 2, {
    "Events.Timestamp": joined(Uint8Array.of(2), int64(1n), int64(2n)),
    "Links.Attributes": joined(Uint8Array.of(1), pairs(["k", "v"])),
  });
  decodeRecord(record, "spans");
  for (let size = 0; size < record.length; size += 1) {
    assert.throws(() => decodeRecord(record.subarray(0, size), "spans"), VerificationError);
  }
  assert.throws(() => decodeRecord(joined(record, Uint8Array.of(0)), "spans"), /goes on/);
});

test("a length that is larger than any record, or has no end, is refused", () => {
  const begin = int64(-2n);
  for (const length of [[0xff, 0xff, 0xff, 0xff, 0x0f], Array(9).fill(0xff).concat(0x7f), Array(10).fill(0x80)]) {
    assert.throws(() => decodeRecord(joined(begin, Uint8Array.from(length)), "audit"), VerificationError);
  }
});

test("versions that do not exist are refused, and spans have no version 1", () => {
  assert.equal(versionOf(int64(5n)), 1);
  for (const mark of [-1n, -3n, -256n, -(2n ** 63n)]) assert.throws(() => versionOf(int64(mark)), VerificationError);
  assert.throws(() => versionOf(new Uint8Array(7)), VerificationError);
  assert.throws(() => decodeRecord(recordOf("operational", 1), "spans"), VerificationError);
});

test("the origin says which stream a log is of", () => {
  assert.equal(streamOf("shop/audit/a"), "audit");
  assert.equal(streamOf("shop/eu/operational/a"), "operational");
  assert.equal(streamOf("shop/access/a"), "audit");
  assert.equal(streamOf("shop/spans/a"), "spans");
  for (const origin of ["shop", "shop/audits/a", "", "spans/a/b"]) {
    assert.throws(() => streamOf(origin), VerificationError);
  }
});

test("times are written with nanoseconds, also before 1970", () => {
  assert.equal(timeText(1_767_225_600_000_000_001n), "2026-01-01T00:00:00.000000001Z");
  assert.equal(timeText(-1n), "1969-12-31T23:59:59.999999999Z");
  assert.equal(timeText(-(2n ** 63n)), "1677-09-21T00:12:43.145224192Z");
  assert.equal(timeText(2n ** 63n - 1n), "2262-04-11T23:47:16.854775807Z");
});
