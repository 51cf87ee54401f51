import assert from "node:assert/strict";
import { test } from "node:test";
import { VerificationError } from "./errors";
import { areSameJson, jsonText, parseJson } from "./json";

test("whole numbers of any size are exact, and others are numbers", () => {
  assert.equal(parseJson("1767225600000000001", "it"), 1767225600000000001n);
  assert.equal(parseJson(" -0 ", "it"), 0n);
  assert.equal(parseJson("1.0", "it"), 1);
  assert.ok(!areSameJson(parseJson("1.0", "it"), parseJson("1", "it")));
  assert.ok(!areSameJson(parseJson("true", "it"), parseJson("1", "it")));
});

test("names have no meaning of their own, and their order has none", () => {
  const [one, other] = ['{"__proto__":{"a":[1,null]},"b":"x"}', '{"b":"x","__proto__":{"a":[1,null]}}'];
  assert.ok(areSameJson(parseJson(one, "it"), parseJson(other, "it")));
  assert.ok(!areSameJson(parseJson('{"a":null}', "it"), parseJson('{"b":null}', "it")));
  assert.ok(!areSameJson(parseJson("[1,2]", "it"), parseJson("[2,1]", "it")));
});

test("escapes are what they stand for", () => {
  assert.equal(parseJson('"\\u0041\\n\\"\\\\\\/\\ud83d\\ude00"', "it"), 'A\n"\\/😀');
});

test("what is read is written on one line", () => {
  assert.equal(
    jsonText(parseJson('{"a":[1,"x",null,true],"b":{"c":2.5}}', "it")),
    '{"a": [1, "x", null, true], "b": {"c": 2.5}}',
  );
});

for (const text of [
  ...[
    "",
    " ",
    "{",
    "}",
    "[1",
    "[1,]",
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{a:1}",
    "'a'",
    '"a',
    '"a\nb"',
    '"\\x"',
    '"\\u12"',
  ],
  ...["01", "+1", "1.", ".5", "1e", "nul", "1 2", "[1]]", '{"a":1,"a":1}', "\ufeff1", "9".repeat(5000), "\u00a01"],
  ...["[".repeat(100_000), "[".repeat(300) + "]".repeat(300)],
]) {
  test(`no JSON: ${JSON.stringify(text.slice(0, 20))}`, () => {
    assert.throws(() => parseJson(text, "it"), VerificationError);
  });
}

test("a name may occur twice where that is asked for, and the last counts", () => {
  assert.deepEqual(parseJson('{"a":1,"a":2}', "it", { mayRepeat: true }), new Map([["a", 2n]]));
});
