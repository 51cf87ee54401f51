import assert from "node:assert/strict";
import { test } from "node:test";
import { IdleQueue } from "./queue";

test("the latest runs first, a few at a time, and all run", async () => {
  const [begun, ends]: [number[], (() => void)[]] = [[], []];
  const idle: (() => void)[] = [];
  const queue = new IdleQueue(2, (work) => idle.push(work));
  for (const number of [1, 2, 3, 4, 5]) {
    queue.add(() => {
      begun.push(number);
      return new Promise((resolve) => ends.push(resolve));
    });
  }
  const step = async () => {
    await new Promise((resolve) => setTimeout(resolve));
    for (const work of idle.splice(0)) work();
  };
  await step();
  assert.deepEqual(begun, [5, 4]);
  ends.shift()?.();
  await step();
  assert.deepEqual(begun, [5, 4, 3]);
  while (ends.length) {
    ends.shift()?.();
    await step();
  }
  assert.deepEqual(begun, [5, 4, 3, 2, 1]);
});
