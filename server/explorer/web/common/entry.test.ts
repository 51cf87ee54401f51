import assert from "node:assert/strict";
import { test } from "node:test";
import { actorText } from "./entry";

test("the name that a sender gives an actor stands beside the ID, and never in its place", () => {
  assert.equal(actorText({ actorId: "mallory", actorName: "root" }), "mallory (root)");
  assert.equal(actorText({ actorId: "alice", actorName: "alice" }), "alice");
  assert.equal(actorText({ actorId: "alice", actorName: "" }), "alice");
  assert.equal(actorText({ actorId: "", actorName: "root" }), "(no ID: root)");
  assert.equal(actorText({ actorId: "", actorName: "" }), "somebody");
});
