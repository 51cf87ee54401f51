/** Checks entries of answers, for tests with a real server: a JSON object a line, on standard input and output. */
import { createInterface } from "node:readline";
import type { TimelineEntry } from "../api/types";
import { entryOf } from "../common/entry";
import { fingerprintOf, parseKey } from "../proof/keys";
import { checkEntry } from "./entry_check";
import { unvouched, voucherOf } from "./log_keys";
import { SeenRoots } from "./seen";

interface Question {
  entry: TimelineEntry;
  keys: string[];
  changes: string[];
}

for await (const line of createInterface({ input: process.stdin })) {
  const { entry, keys, changes } = JSON.parse(line) as Question;
  const believed = await Promise.all(keys.map(parseKey));
  const seen = new SeenRoots();
  const verdict = await checkEntry(entryOf(entry), {
    voucherOf: async (checkpoint) => {
      if (!believed.length) return undefined;
      const vouched = await voucherOf(checkpoint, believed, async () => changes);
      if (!vouched) throw unvouched(checkpoint, "no key");
      return { key: await fingerprintOf(vouched.key), isPinned: true, changes: vouched.changes };
    },
    compareWithSeen: async (checkpoint) => seen.compare(checkpoint),
    compareHistory: async () => undefined, // one answer has no history
  });
  console.log(JSON.stringify(verdict));
}
