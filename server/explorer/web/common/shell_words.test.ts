import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf, commandWith, optionOf } from "./shell_words";

test("an argument comes before the options, unless it could be taken for one", () => {
  assert.equal(commandWith(["lognotary", "prove"], "a#1", ["-o", "f"]), "lognotary prove 'a#1' -o f");
  assert.equal(commandWith(["lognotary", "prove"], "-ox#1", ["-o", "f"]), "lognotary prove -o f -- '-ox#1'");
});

test("a value of an option cannot be taken for another option", () => {
  assert.equal(commandOf("lognotary", "verify", ...optionOf("--log", "a/b")), "lognotary verify --log a/b");
  assert.equal(commandOf("lognotary", "verify", ...optionOf("--log", "--x y")), "lognotary verify '--log=--x y'");
});
