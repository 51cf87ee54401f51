import assert from "node:assert/strict";
import { test } from "node:test";
import { timeOf } from "../common/age";
import { commandFor, fieldsOf, isNarrowed, pathOfSubject, rangeIn, viewOf, wholeQuery } from "./view";

const NOW = 1_800_000_000_000_000_000n; // 2027-01-15T08:00:00Z
const view = (text: string) => viewOf(new URLSearchParams(text), "actor");

test("an age is counted back from now, and other times are left to the server", () => {
  assert.equal(timeOf("90m", NOW), "2027-01-15T06:30:00Z");
  assert.equal(timeOf("30s", NOW), "2027-01-15T07:59:30Z"); // the time picker gives seconds, too
  assert.equal(timeOf("1w", NOW), "2027-01-08T08:00:00Z");
  assert.equal(timeOf(" 2026-11-28T04:00:00Z ", NOW), "2026-11-28T04:00:00Z");
  assert.equal(timeOf("tomorrow", NOW), "tomorrow");
  assert.equal(timeOf("", NOW), undefined);
});

test("the address has the whole view", () => {
  const found = view("q=outcome:failure&since=7d&until=2026-11-28T04:00:00Z&order=oldest&group=none");
  assert.deepEqual(fieldsOf(found, NOW), {
    query: "outcome:failure",
    since: "2027-01-08T08:00:00Z",
    until: "2026-11-28T04:00:00Z",
    oldest_first: true,
  });
  assert.equal(found.isGrouped, false);
  assert.ok(isNarrowed(found));
  assert.ok(!isNarrowed(view("order=oldest")));
});

test("events of an actor are grouped by session unless the reader chose otherwise, and those on a target are not", () => {
  assert.ok(view("").isGrouped);
  assert.ok(!viewOf(new URLSearchParams(), "target").isGrouped);
  assert.ok(viewOf(new URLSearchParams("group=session"), "target").isGrouped);
});

test("an ID with slashes, spaces and markup is one part of the path", () => {
  assert.equal(
    pathOfSubject({ kind: "target", id: "../a b<i>?x=1#y" }),
    "/api/v1/targets/..%2Fa%20b%3Ci%3E%3Fx%3D1%23y",
  );
});

test("the query of an actor includes what others did on the actor's behalf", () => {
  assert.equal(
    wholeQuery({ kind: "actor", id: 'a"b' }, view("q=x+OR+y")),
    '(actor:"a\\"b" OR effective_actor:"a\\"b") (x OR y)',
  );
  assert.equal(wholeQuery({ kind: "target", id: "7" }, view("")), 'target:"7"');
});

test("the command quotes the ID, and an ID that begins with a dash is not an option", () => {
  assert.equal(commandFor({ kind: "actor", id: "al ice" }, view("since=7d")), "lognotary actor --since 7d 'al ice'");
  assert.equal(
    commandFor({ kind: "target", id: "--help" }, view("q=-outcome:success&order=oldest")),
    "lognotary target --oldest-first -- --help -outcome:success",
  );
});

test("the time picker shows the range that is asked for: all of it, an age until now, or two times", () => {
  assert.deepEqual(rangeIn(view(""), NOW), {
    since: "any",
    until: "",
    resolved: { since: undefined, until: "2027-01-15T08:00:00Z" },
  });
  assert.equal(rangeIn(view("since=7d"), NOW).since, "7d");
  const both = rangeIn(view("since=7d&until=1d"), NOW);
  assert.deepEqual([both.since, both.until], ["2027-01-08T08:00:00Z", "2027-01-14T08:00:00Z"]);
  assert.deepEqual(both.resolved, { since: both.since, until: both.until });
  assert.deepEqual(rangeIn(view("since=yesterday"), NOW), { since: "yesterday", until: "", resolved: undefined });
});
