import assert from "node:assert/strict";
import test from "node:test";
import { commandFor } from "./command";
import { listStateOf } from "./list";

const command = (parameters: string) => commandFor(listStateOf(new URLSearchParams(parameters)));

test("the command has the options of the page, and then the query", () => {
  assert.equal(
    command("q=service:shop&streams=spans&since=7d&errors=1&least=2 s"),
    "lognotary traces --stream spans --since 7d --errors --min-duration 2s service:shop",
  );
});

test("a query that begins with a hyphen is not an option", () => {
  assert.equal(command("q=-service:shop"), "lognotary traces --since 24h -- -service:shop");
});

test("there is no command for matches in all streams", () => {
  assert.equal(command("q=x&streams=audit,operational,spans"), undefined);
});
