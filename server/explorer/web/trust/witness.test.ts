import assert from "node:assert/strict";
import { test } from "node:test";
import type { Log } from "../api/types";
import { logIdOf } from "../common/log_id";
import { verifierKeyOf } from "../proof/keys";
import { MadeLog, madeKey } from "../proof/made_log";
import { type KeptCheckpoint, type Means, missing, witnessed } from "./witness";

const ORIGIN = "shop/audit/a";
const ENTRIES = Array.from({ length: 20 }, (_, at) => `entry ${at}`);
const TRUE = new MadeLog(ORIGIN, ENTRIES);
const FORGED = new MadeLog(
  ORIGIN,
  ENTRIES.map((entry, at) => (at === 3 ? "forged" : entry)),
);

async function shown(log: MadeLog, size: number, ...seeds: number[]): Promise<Log> {
  const verifierKeys = await Promise.all(seeds.map(async (seed) => verifierKeyOf(await madeKey(seed, log.origin))));
  const checkpoint = await log.checkpoint(size, seeds);
  const logId = await logIdOf(log.origin);
  return {
    origin: log.origin,
    logId,
    stream: "audit",
    treeSize: String(size),
    sequence: "1",
    checkpoint,
    verifierKeys,
    problem: "",
  };
}

function means(log: MadeLog, more: Partial<Means> = {}): Means {
  return {
    keys: [],
    changesOf: async () => [],
    consistencyProofOf: (_, first, second) => log.consistency(Number(first), Number(second)),
    reader: "alice",
    now: "2026-01-02T00:00:00.000Z",
    ...more,
  };
}

async function kept(log: MadeLog, size: number, ...seeds: number[]): Promise<KeptCheckpoint> {
  const outcome = await witnessed(
    await shown(log, size, ...seeds),
    undefined,
    means(log, { now: "2026-01-01T00:00:00.000Z" }),
  );
  assert.equal(outcome.kind, "seen");
  return (outcome as Extract<typeof outcome, { kind: "seen" }>).checkpoint;
}

test("a log that is seen for the first time is kept, and one that grew is kept after its proof", async () => {
  const before = await kept(TRUE, 7, 1);
  assert.equal(before.since, before.at);
  for (const size of [7, 8, 13, 20]) {
    const outcome = await witnessed(await shown(TRUE, size, 1), before, means(TRUE));
    assert.equal(outcome.kind, "seen");
    if (outcome.kind !== "seen") return;
    assert.equal(outcome.checkpoint.note, await TRUE.checkpoint(size, [1]));
    assert.equal(outcome.checkpoint.since, before.since);
  }
});

for (const [what, log, size, proofs, kind] of [
  ["another root at the same size", FORGED, 7, TRUE, "LOG_FORKED"],
  ["another history that is larger, with its own proof", FORGED, 13, FORGED, "LOG_FORKED"],
  ["another history that is larger, with the true proof", FORGED, 13, TRUE, "LOG_FORKED"],
  ["the true log, with a proof that does not lead there", TRUE, 13, FORGED, "LOG_FORKED"],
  ["fewer entries", TRUE, 6, TRUE, "LOG_TRUNCATED"],
  ["no entries", TRUE, 0, TRUE, "LOG_TRUNCATED"],
] as const) {
  test(`a finding: ${what}`, async () => {
    const before = await kept(TRUE, 7, 1);
    const given = await shown(log, size, 1);
    const outcome = await witnessed(given, before, means(proofs));
    assert.equal(outcome.kind, "finding");
    if (outcome.kind !== "finding") return;
    assert.equal(outcome.finding.kind, kind);
    assert.equal(outcome.finding.kept, before.note);
    assert.equal(outcome.finding.other, given.checkpoint);
    assert.match(outcome.finding.message, /^shop\/audit\/a: /);
  });
}

test("a proof with more or fewer hashes than it must have is a finding", async () => {
  const before = await kept(TRUE, 7, 1);
  const proof = await TRUE.consistency(7, 13);
  for (const other of [[], proof.slice(1), [...proof, new Uint8Array(32)], [new Uint8Array(31)]]) {
    const outcome = await witnessed(
      await shown(TRUE, 13, 1),
      before,
      means(TRUE, { consistencyProofOf: async () => other }),
    );
    assert.equal(outcome.kind === "finding" && outcome.finding.kind, "LOG_FORKED");
  }
});

test("a server that is not reached gives no finding and no kept checkpoint", async () => {
  const consistencyProofOf = async () => {
    throw new Error("not reached");
  };
  const before = await kept(TRUE, 7, 1);
  await assert.rejects(witnessed(await shown(TRUE, 13, 1), before, means(TRUE, { consistencyProofOf })), /not reached/);
});

test("a checkpoint by another key than before is a finding, whichever keys the server offers", async () => {
  const outcome = await witnessed(await shown(TRUE, 13, 2), await kept(TRUE, 7, 1), means(TRUE));
  assert.equal(outcome.kind === "finding" && outcome.finding.kind, "BATCH_FOREIGN_SIGNED");
});

test("a checkpoint after a key change is believed if both keys signed the change", async () => {
  const before = await kept(TRUE, 7, 1);
  const change = await TRUE.keyChange(1, 9, 1, 2);
  const outcome = await witnessed(await shown(TRUE, 13, 2), before, means(TRUE, { changesOf: async () => [change] }));
  assert.equal(outcome.kind, "seen");
  const alone = change.replace(/— .*\n/, ""); // without the signature of the key before
  const forged = await witnessed(await shown(TRUE, 13, 2), before, means(TRUE, { changesOf: async () => [alone] }));
  assert.equal(forged.kind === "finding" && forged.finding.kind, "BATCH_FOREIGN_SIGNED");
});

test("what does not count: a note that is none, a wrong signature, another log's checkpoint or ID", async () => {
  const log = await shown(TRUE, 7, 1);
  const other = await shown(new MadeLog("shop/audit/b", ENTRIES), 7, 1);
  for (const given of [
    { ...log, checkpoint: "" },
    { ...log, checkpoint: log.checkpoint.replace("\n7\n", "\n8\n") },
    { ...log, checkpoint: other.checkpoint },
    { ...log, logId: "0123456789abcdef" },
    { ...log, verifierKeys: [] },
  ]) {
    assert.equal((await witnessed(given, undefined, means(TRUE))).kind, "not counted");
  }
  const outcome = await witnessed({ ...log, checkpoint: "" }, await kept(TRUE, 7, 1), means(TRUE));
  assert.equal(outcome.kind === "finding" && outcome.finding.kind, "BATCH_ALTERED");
});

test("a pinned key vouches for a log although the server offers another", async () => {
  const log = { ...(await shown(TRUE, 7, 1)), verifierKeys: [] };
  const keys = [await madeKey(1, "")];
  assert.equal((await witnessed(log, undefined, means(TRUE, { keys }))).kind, "seen");
});

test("if keys are pinned, a log that only a key offered by the server signs does not count", async () => {
  const keys = [await madeKey(9, "")];
  const outcome = await witnessed(await shown(TRUE, 7, 1), undefined, means(TRUE, { keys }));
  assert.match(outcome.kind === "not counted" ? outcome.reason : "", /no pinned key/);
});

test("a log that was seen before another key was pinned does not count, and its history is compared", async () => {
  const keys = [await madeKey(9, "")];
  const before = await kept(TRUE, 7, 1);
  assert.equal((await witnessed(await shown(TRUE, 13, 1), before, means(TRUE, { keys }))).kind, "not counted");
  const forged = await witnessed(await shown(FORGED, 13, 1), before, means(FORGED, { keys }));
  assert.equal(forged.kind === "finding" && forged.finding.kind, "LOG_FORKED");
  const foreign = await witnessed(await shown(TRUE, 13, 2), before, means(TRUE, { keys }));
  assert.equal(foreign.kind === "finding" && foreign.finding.kind, "BATCH_FOREIGN_SIGNED");
});

test("a log that is gone is named, with its size and the checkpoint as evidence", async () => {
  const before = await kept(TRUE, 7, 1);
  const finding = missing(before, means(TRUE));
  assert.equal(finding.kind, "LOG_MISSING");
  assert.match(finding.message, /had 7 entries/);
  assert.equal(finding.kept, before.note);
  assert.equal(finding.other, undefined);
});

/** A browser that has seen the log of 13 entries after its key was changed at 9. */
async function keptAfterChange(): Promise<[KeptCheckpoint, string]> {
  const change = await TRUE.keyChange(1, 9, 1, 2);
  const told = means(TRUE, { changesOf: async () => [change] });
  const outcome = await witnessed(await shown(TRUE, 13, 2), await kept(TRUE, 7, 1), told);
  assert.equal(outcome.kind, "seen");
  return [(outcome as Extract<typeof outcome, { kind: "seen" }>).checkpoint, change];
}

test("key changes are kept with the checkpoint, so that a key that was replaced cannot sign what came later", async () => {
  const [before, change] = await keptAfterChange();
  assert.deepEqual(before.changes, [change]);
  for (const keys of [[], [await madeKey(1, "")]]) {
    for (const told of [[], [change], [await TRUE.keyChange(1, 9, 1, 9)]]) {
      const given = means(TRUE, { keys, changesOf: async () => told });
      const outcome = await witnessed(await shown(TRUE, 20, 1), before, given);
      assert.equal(outcome.kind === "finding" && outcome.finding.kind, "BATCH_FOREIGN_SIGNED");
    }
  }
});

test("a key change that the server does not tell any more is named, and still counts", async () => {
  const [before, change] = await keptAfterChange();
  const outcome = await witnessed(await shown(TRUE, 20, 2), before, means(TRUE));
  assert.equal(outcome.kind, "seen");
  if (outcome.kind !== "seen") return;
  assert.match(outcome.withheld ?? "", /names 0 of the 1 changes/);
  assert.deepEqual(outcome.checkpoint.changes, [change]);
  const told = await witnessed(await shown(TRUE, 20, 2), before, means(TRUE, { changesOf: async () => [change] }));
  assert.equal(told.kind === "seen" && told.withheld, undefined);
});

test("a key that only the server offers beside the pinned one is not believed after the pinned one was unpinned", async () => {
  const log = await shown(TRUE, 7, 1);
  const foreign = verifierKeyOf(await madeKey(9, ORIGIN));
  for (const keys of [[await madeKey(1, "")], []]) {
    const first = await witnessed(
      { ...log, verifierKeys: [...log.verifierKeys, foreign] },
      undefined,
      means(TRUE, { keys }),
    );
    assert.equal(first.kind, "seen");
    if (first.kind !== "seen") return;
    const outcome = await witnessed(await shown(TRUE, 13, 9), first.checkpoint, means(TRUE));
    assert.equal(outcome.kind === "finding" && outcome.finding.kind, "BATCH_FOREIGN_SIGNED");
  }
});

test("of a log whose checkpoint was put away, a key that was seen to be replaced, or a strange one, is a finding", async () => {
  const seen = [await TRUE.keyChange(1, 4, 1, 2)];
  for (const pinned of [[], [await madeKey(1, "")]]) {
    for (const signer of [1, 9]) {
      const outcome = await witnessed(await shown(TRUE, 9, signer), undefined, means(TRUE, { keys: pinned }), seen);
      assert.equal(outcome.kind === "finding" && outcome.finding.kind, "BATCH_FOREIGN_SIGNED");
      assert.equal(outcome.kind === "finding" && outcome.finding.kept, seen[0]);
    }
    const later = await witnessed(await shown(TRUE, 9, 2), undefined, means(TRUE, { keys: pinned }), seen);
    assert.equal(later.kind, "seen");
  }
  // Keys that were pinned for other logs say nothing of this one.
  const others = means(TRUE, { keys: [await madeKey(5, "")] });
  assert.equal((await witnessed(await shown(TRUE, 9, 9), undefined, others, seen)).kind, "not counted");
});

test("two logs with one ID do not replace each other's checkpoints", async () => {
  const before = { ...(await kept(TRUE, 7, 1)), origin: "shop/audit/other" };
  const outcome = await witnessed(await shown(TRUE, 8, 1), before, means(TRUE));
  assert.equal(outcome.kind === "finding" && outcome.finding.kind, "BATCH_ALTERED");
});
