import assert from "node:assert/strict";
import { test } from "node:test";
import { utf8 } from "../proof/bytes";
import { MadeLog } from "../proof/made_log";
import { timestampIn } from "./timestamp";

const checkpoint = utf8(await new MadeLog("shop/audit/a", ["one"]).checkpoint(1, [1]));

test("what is no timestamp is said to be none, and a bundle without one has no sentence", async () => {
  assert.equal(await timestampIn({ checkpoint }), "");
  assert.match(await timestampIn({ checkpoint, "timestamp.tsr": utf8("0") }), /^it cannot be read: the timestamp/);
  assert.match(
    await timestampIn({ checkpoint, "timestamp.tsr": new Uint8Array() }),
    /^it cannot be read: the timestamp/,
  );
});
