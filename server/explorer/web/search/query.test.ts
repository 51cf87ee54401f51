import assert from "node:assert/strict";
import { test } from "node:test";
import { WITHOUT_WHO_LOOKED } from "../common/who_looked";
import { withoutColumn, wrongColumn } from "../query/errors";
import { askedQuery, searchOf, stateOf } from "./query";

const NOW = 1_800_000_000_000_000_000n; // 2027-01-15T08:00:00Z
const of = (text: string, readable?: Parameters<typeof stateOf>[1]) => stateOf(new URLSearchParams(text), readable);

test("without parameters, the state is the latest day of audit records and logs", () => {
  const state = of("");
  assert.deepEqual(state.streams, ["audit", "operational"]);
  assert.equal(state.since, "24h");
  assert.deepEqual(searchOf(state, NOW), {
    since: "2027-01-14T08:00:00Z",
    until: "2027-01-15T08:00:00Z",
    query: "-(scope:lognotary.access sender:server)",
    before: 0,
    streams: ["audit", "operational"],
    oldestFirst: false,
    isAboutEvidence: false,
  });
});

test("streams that the reader may not read are left out of the URL's", () => {
  assert.deepEqual(of("streams=audit,spans", ["operational", "spans"]).streams, ["spans"]);
  assert.deepEqual(of("streams=audit", ["operational", "spans"]).streams, ["operational"]);
});

test("values of the URL that do not exist have their defaults", () => {
  const state = of("streams=logs&by=body&columns=&sort=up");
  assert.deepEqual([state.groupBy, state.oldestFirst, state.columns[0]], ["stream", false, "time"]);
});

test("records of who looked are left out of the whole query, also of one with OR", () => {
  const asked = (query: string, more = "") => askedQuery(of(`q=${encodeURIComponent(query)}${more}`)).query;
  assert.equal(asked("a b"), `${WITHOUT_WHO_LOOKED} a b`);
  assert.equal(asked("a OR b"), `${WITHOUT_WHO_LOOKED} (a OR b)`);
  assert.equal(asked("a", "&access=1"), "a");
  assert.equal(asked("a", "&streams=operational"), "a");
  assert.equal(asked("sender:server"), "sender:server");
});

test("nothing that a query leaves open at its end takes in what leaves out records of who looked", () => {
  for (const query of ["a AND", "NOT", "-", "severity:>=", "actor:", '"a', "a) OR (b"]) {
    assert.equal(askedQuery(of(`q=${encodeURIComponent(query)}`)).query, `${WITHOUT_WHO_LOOKED} ${query}`);
  }
});

test("the column of an error is that of the query which the reader wrote", () => {
  const wrong = (query: string, message: string) =>
    wrongColumn(message, askedQuery(of(`q=${encodeURIComponent(query)}`)).before);
  const column = (query: string, at: number) => askedQuery(of(`q=${encodeURIComponent(query)}`)).before + at;
  assert.equal(wrong("actr:x", `query: column ${WITHOUT_WHO_LOOKED.length + 2}: there is no field`), 1);
  assert.equal(wrong("a OR actr:x", `query: column ${column("a OR actr:x", 6)}: there is no field`), 6);
  assert.equal(wrong("a", "query: too long"), undefined);
  assert.equal(withoutColumn("query: column 7: there is no field"), "there is no field");
});

test("a query about evidence is known, because its records cannot be counted", () => {
  assert.ok(searchOf(of("q=-evidence:verified"), NOW).isAboutEvidence);
  assert.ok(!searchOf(of("q=evidence"), NOW).isAboutEvidence);
});
