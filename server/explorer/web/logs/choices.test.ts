import assert from "node:assert/strict";
import { test } from "node:test";
import { choicesOf, commandFor, filesFor, linesOf, requestOf } from "./choices";

const NOW = 1_800_000_000_000_000_000n; // 2027-01-15T08:00:00Z
const GIVEN = { checkpoints: ["note 1", "note 2"], publicKeys: ["key"] };
const choices = (text: string) => choicesOf(new URLSearchParams(text));

test("a plain verification asks for everything, with the checkpoints and keys of this browser", () => {
  assert.deepEqual(requestOf(choices(""), GIVEN, NOW), { checkpoints: ["note 1", "note 2"], publicKeys: ["key"] });
  assert.deepEqual(requestOf(choices("checkpoints=none&keys=server"), GIVEN, NOW), {});
  assert.deepEqual(requestOf(choices(""), { checkpoints: [], publicKeys: [] }, NOW), {});
});

test("the address has the whole choice", () => {
  const all = choices("since=1d&until=2027-01-15T07:00:00Z&log=shop/audit/n1&log=shop/spans/n1&lookups=all");
  assert.deepEqual(requestOf(all, GIVEN, NOW), {
    since: "2027-01-14T08:00:00Z",
    until: "2027-01-15T07:00:00Z",
    logs: ["shop/audit/n1", "shop/spans/n1"],
    allAuditLookups: true,
    checkpoints: ["note 1", "note 2"],
    publicKeys: ["key"],
  });
});

test("the command makes the same choices, and names files for checkpoints and keys", () => {
  assert.equal(commandFor(choices("checkpoints=none&keys=server"), GIVEN), "lognotary verify");
  assert.equal(
    commandFor(choices("since=1d&log=a%20b&lookups=all"), GIVEN),
    "lognotary verify --since 1d --log 'a b' --lookups all --checkpoint kept-1 --checkpoint kept-2 --public-key key-1",
  );
});

test("every file that the command names can be saved", () => {
  const all = choices("");
  const command = commandFor(all, GIVEN).split(" ");
  const files = filesFor(all, GIVEN);
  assert.deepEqual(
    files.map(({ name, text }) => [name, text]),
    [
      ["kept-1", "note 1"],
      ["kept-2", "note 2"],
      ["key-1", "key"],
    ],
  );
  for (const { option, name } of files) assert.equal(command[command.indexOf(name) - 1], option);
  assert.deepEqual(filesFor(choices("checkpoints=none&keys=server"), GIVEN), []);
});

test("names of logs are taken from lines, each once", () => {
  assert.deepEqual(linesOf(" a \n\nb,a\n"), ["a", "b"]);
});
