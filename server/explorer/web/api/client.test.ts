import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { ApiError, lines } from "./client";

/** The lines of an answer of a real server, as far as they can be read, and the error that ended them. */
async function read(body: string): Promise<{ found: unknown[]; error: unknown }> {
  const server = createServer((_, response) => response.end(body)).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const found: unknown[] = [];
  try {
    const { port } = server.address() as AddressInfo;
    for await (const line of lines(`http://127.0.0.1:${port}/`, new AbortController().signal)) found.push(line);
    return { found, error: undefined };
  } catch (error) {
    return { found, error };
  } finally {
    server.close();
  }
}

test("lines are read one by one, the last one also without an end", async () => {
  assert.deepEqual(await read('{"a":1}\n\n{"a":2}'), { found: [{ a: 1 }, { a: 2 }], error: undefined });
  assert.deepEqual(await read(""), { found: [], error: undefined });
});

test("an answer that is cut in a line is an error of the API, after the lines before it", async () => {
  for (const body of ['{"a":1}\n{"a"', '{"a":1}\n{"a"\n']) {
    const { found, error } = await read(body);
    assert.deepEqual(found, [{ a: 1 }]);
    assert.ok(error instanceof ApiError, String(error));
    assert.match(error.message, /ended the answer/);
  }
});
