import assert from "node:assert/strict";
import { test } from "node:test";
import { completeCommands, searchCommands } from "./commands";
import type { Search } from "./query";

const SEARCH: Search = {
  query: "-actor:bob",
  before: 0,
  streams: ["audit", "operational"],
  since: "2026-11-29T10:00:00Z",
  until: "2026-11-30T10:00:00Z",
  oldestFirst: false,
  isAboutEvidence: false,
};
const RANGE = "--since 2026-11-29T10:00:00Z --until 2026-11-30T10:00:00Z";

test("the command asks for the same records in the same order", () => {
  assert.deepEqual(searchCommands(SEARCH), [`lognotary search ${RANGE} -- -actor:bob`]);
  const oldest = { ...SEARCH, streams: ["spans" as const], since: undefined, query: "", oldestFirst: true };
  assert.deepEqual(searchCommands(oldest), [
    "lognotary search --stream spans --until 2026-11-30T10:00:00Z --oldest-first",
  ]);
});

test("streams that the command line does not search together have a command each", () => {
  const all: Search = { ...SEARCH, streams: ["audit", "operational", "spans"] };
  assert.deepEqual(completeCommands(all), [
    `lognotary search ${RANGE} --complete -- -actor:bob`,
    `lognotary search --stream spans ${RANGE} --complete -- -actor:bob`,
  ]);
});
