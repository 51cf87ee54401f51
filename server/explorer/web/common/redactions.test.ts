import assert from "node:assert/strict";
import test from "node:test";
import { isMark, markedParts, meaningOf } from "./redactions";

const DIGITS = "0f".repeat(32);

test("each kind of mark is told apart from the text around it", () => {
  const text = `a [redacted:key.password] b[hmac:card:6b2f0c1d9a8e7f34][redacted:key.custom:sha256:${DIGITS}]`;
  assert.deepEqual(markedParts(text), [
    { kind: "text", text: "a " },
    { kind: "removed", text: "[redacted:key.password]", rule: "key.password", digits: "" },
    { kind: "text", text: " b" },
    { kind: "hash", text: "[hmac:card:6b2f0c1d9a8e7f34]", rule: "card", digits: "6b2f0c1d9a8e7f34" },
    {
      kind: "commitment",
      text: `[redacted:key.custom:sha256:${DIGITS}]`,
      rule: "key.custom",
      digits: DIGITS,
    },
  ]);
});

test("a text that is nearly a mark is none", () => {
  for (const text of ["[redacted]", "[redacted:A]", "[hmac:card:6b2f]", `[redacted:x:sha256:${DIGITS}0]`]) {
    assert.deepEqual(markedParts(text), [{ kind: "text", text }]);
    assert.equal(isMark(text), false);
  }
});

test("a mark alone is one, and with a text beside it is not", () => {
  assert.ok(isMark("[hmac:actor.id:6b2f0c1d9a8e7f34]"));
  assert.ok(!isMark("[redacted:card] and more"));
  assert.ok(!isMark(""));
});

test("a commitment that the server did not make is the sender's text", () => {
  const [mark] = markedParts(`[redacted:key.custom:sha256:${DIGITS}]`);
  assert.ok(mark && mark.kind !== "text");
  assert.match(meaningOf(mark, new Set([DIGITS])), /can be disclosed/);
  assert.match(meaningOf(mark, new Set()), /the sender wrote this text/);
});
