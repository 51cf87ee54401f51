import assert from "node:assert/strict";
import { test } from "node:test";
import { VerificationError } from "../proof/errors";
import { fileNameOf, filesIn } from "./files";

const refused = (text: string, message: RegExp) =>
  assert.throws(
    () => filesIn(text),
    (error) => error instanceof VerificationError && message.test(error.message),
  );

test("the files of a bundle are read, also empty ones and those of any name", () => {
  const files = filesIn(
    '{\n"record.bin": "AP8=",\r\n "empty":\t"", "__proto__": "QQ==", "key-changes/0001": "Q\r\nQ=="}',
  );
  assert.deepEqual(Object.keys(files), ["record.bin", "empty", "__proto__", "key-changes/0001"]);
  assert.deepEqual([...(files["record.bin"] ?? [])], [0, 255]);
  assert.deepEqual([...(files.empty ?? [1])], []);
  assert.deepEqual([...(files["key-changes/0001"] ?? [])], [65]);
  assert.equal(Object.getPrototypeOf(files), Object.prototype);
});

test("a page without a bundle, or with a damaged one, says so", () => {
  refused("null", /no bundle in it/);
  refused(" \n", /no bundle in it/);
  refused("[]", /is not a JSON object/);
  refused('{"a": 1}', /texts in base64/);
  refused('{"a": "QQ==", "a": "QQ=="}', /a name occurs twice/);
  refused('{"a": "QQ=="', /a brace is missing/);
  refused('{"a": "Q"}', /the file "a" of the bundle is not base64/);
  refused('{"a": "QR=="}', /not canonical base64/);
});

test("the page's own file has the name that the reader sees", () => {
  assert.equal(fileNameOf("/home/a/my%20record.html"), "my record.html");
  assert.equal(fileNameOf("/C:/Users/a/record.html"), "record.html");
  assert.equal(fileNameOf("/a/%E0%A4%A.html"), "%E0%A4%A.html");
  assert.equal(fileNameOf("/"), "record.html");
});
