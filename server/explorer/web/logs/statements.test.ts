import assert from "node:assert/strict";
import { test } from "node:test";
import { nameOf } from "./names";
import { saidIn, sentenceOf } from "./statements";

const note = (line: string) =>
  `shop/audit/node-1\n784\nxsPrIX1yfI5VG+mf5boj9pn4FqXTaW9Y+iuWakttADQ=\n${line}\n\n— shop/audit/node-1 282qX9a2ITslEA4YvH01TZjb5JMa+Tcn3agvFoiERfEjtwu7S81tIyp2rOoHoTWP5qpe8791FomOarQbZ7lsZKWLAw8=\n`;

const sentence = (line: string) => {
  const said = saidIn(note(line));
  return said && sentenceOf(said);
};

test("a heartbeat has its number, its time and a bound on times of receipt", () => {
  const said = saidIn(note("lognotary/v1 12 1767229200 heartbeat 4711 1767225600"));
  assert.deepEqual(said, {
    number: 12n,
    signedAt: 1_767_229_200_000_000_000n,
    kind: "heartbeat",
    words: ["4711", "1767225600"],
    size: 784n,
  });
  assert.equal(said && sentenceOf(said), "entries from 4711 on were received at 2026-01-01 00:00 UTC or later");
});

test("statements on retention say how long records are kept at least", () => {
  assert.equal(
    sentence("lognotary/v1 1 1767229200 retention 34560000 0 1767225600"),
    "records may be dropped after 400 d",
  );
  assert.equal(sentence("lognotary/v1 1 1767229200 retention forever 0 1767225600"), "records are kept forever");
  assert.match(sentence("lognotary/v1 1 1767229200 retention 1 0 1767225600") ?? "", /tenant were dropped/);
});

test("a change of keys names those that sign from then on, and those that signed before", () => {
  assert.equal(
    sentence("lognotary/v1 2 1767229200 keys shop/audit/node-1+11111111+AbCd after shop/audit/node-1+22222222+EfGh"),
    "from this size on shop/audit/node-1+11111111 sign in place of shop/audit/node-1+22222222",
  );
});

test("a checkpoint without a line of a statement, and any other text, is none", () => {
  assert.equal(saidIn(note("something else")), undefined);
  assert.equal(saidIn("hello"), undefined);
});

test("the origin of a log has its owner, stream and writer", () => {
  assert.deepEqual(nameOf("example.org/shop/audit/node-1"), {
    owner: "example.org/shop",
    stream: "audit",
    writer: "node-1",
  });
  assert.equal(nameOf("audit/node-1"), undefined);
});
