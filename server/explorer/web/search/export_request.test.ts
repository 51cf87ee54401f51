import assert from "node:assert/strict";
import { test } from "node:test";
import { exportCommands, exportPath, newName, refusal } from "./export_request";
import { numbersOf } from "./manifest_numbers";
import type { Search } from "./query";

const SEARCH: Search = {
  query: "-a 'b'",
  before: 0,
  streams: ["audit"],
  since: "2026-11-30T00:00:00Z",
  until: "2026-12-01T00:00:00Z",
  oldestFirst: false,
  isAboutEvidence: false,
};

test("a download has exactly the query, the streams and the range of the search", () => {
  const path = exportPath({ search: SEARCH, format: "csv", columns: "Timestamp, Body," }, "ab");
  assert.deepEqual(Object.fromEntries(new URL(path, "http://x").searchParams), {
    query: "-a 'b'",
    streams: "audit",
    since: "2026-11-30T00:00:00Z",
    until: "2026-12-01T00:00:00Z",
    format: "csv",
    columns: "Timestamp,Body",
    manifest: "ab",
  });
});

test("the commands do the same, with the query after all options", () => {
  const { exports, check } = exportCommands({ search: SEARCH, format: "csv", columns: "" });
  assert.deepEqual(exports, [
    "lognotary export --stream audit --since 2026-11-30T00:00:00Z --until 2026-12-01T00:00:00Z --format csv " +
      `-o lognotary-export.csv --manifest lognotary-export.csv.manifest -- '-a '"'"'b'"'"''`,
  ]);
  assert.equal(check, "lognotary check lognotary-export.csv lognotary-export.csv.manifest --public-key public-key.pem");
});

test("the command line exports audit events and logs together, and spans on their own, each into a file", () => {
  const commands = (streams: Search["streams"]) =>
    exportCommands({ search: { ...SEARCH, query: "", streams }, format: "csv", columns: "" }).exports;
  const range = "--since 2026-11-30T00:00:00Z --until 2026-12-01T00:00:00Z --format csv";
  assert.equal(commands(["audit", "operational"]).length, 1);
  assert.deepEqual(commands(["audit", "operational", "spans"]), [
    `lognotary export ${range} -o lognotary-audit-operational.csv --manifest lognotary-audit-operational.csv.manifest`,
    `lognotary export --stream spans ${range} -o lognotary-spans.csv --manifest lognotary-spans.csv.manifest`,
  ]);
});

test("an export as OCSF has audit records only", () => {
  assert.equal(refusal({ search: SEARCH, format: "ocsf", columns: "" }), "");
  assert.match(
    refusal({ search: { ...SEARCH, streams: ["spans"] }, format: "ocsf", columns: "" }),
    /OCSF has no class/,
  );
});

test("names of manifests are of 32 digits, each another one", () => {
  assert.match(newName(), /^[0-9a-f]{32}$/);
  assert.notEqual(newName(), newName());
});

test("the numbers of a manifest are shown, with what was left out", () => {
  const note =
    'lognotary/export/v1\n{"Records": 1234, "LeftOut": {"Tampered": 1, "Unsigned": 0, "Later": 2}}\n\n— x y\n';
  assert.equal(numbersOf(note), "1,234 records; left out: 1 tampered, 2 later");
  assert.equal(numbersOf("no manifest"), undefined);
});
