/** The checks of entries, with what they share: pinned keys, key changes, checkpoints seen. Loaded when needed. */
import { parseCheckpoint } from "../proof/checkpoint";
import { VerificationError } from "../proof/errors";
import { noteOf } from "../proof/note";
import type { Entry } from "../shared/entry";
import { changesOf } from "./asked";
import { keptCheckpoints } from "./checkpoints";
import { checkEntry, type Trust } from "./entry_check";
import { voucherOf } from "./log_keys";
import { believedKeys, readPinnedKeys } from "./pinned_keys";
import { SeenRoots } from "./seen";
import { pinnedKeys, pinnedNames } from "./state";
import type { Verdict } from "./verdict";

let seen: Promise<SeenRoots> | undefined;
let trust: { names: string; made: Promise<Trust> } | undefined;

/** Check an entry with the keys that are pinned now. Throws ApiError if the server was needed and not reached. */
export async function verdictNow(entry: Entry): Promise<Verdict> {
  if (!pinnedKeys.peek()) await readPinnedKeys();
  return checkEntry(entry, await trustNow());
}

function trustNow(): Promise<Trust> {
  const names = pinnedNames.peek() ?? "";
  if (trust?.names !== names) trust = { names, made: makeTrust() };
  return trust.made;
}

async function makeTrust(): Promise<Trust> {
  const keys = await believedKeys();
  const vouchers = new Map<string, Promise<string | undefined>>();
  return {
    hasKeys: keys.length > 0,
    voucherOf: (checkpoint) => {
      // Entries of a batch have one checkpoint, whose signatures are checked once.
      const note = noteOf(checkpoint);
      const known = vouchers.get(note);
      if (known) return known;
      const found = voucherOf(checkpoint, keys, changesOf);
      vouchers.set(note, found);
      found.catch((error: unknown) => {
        if (!(error instanceof VerificationError)) vouchers.delete(note); // the server may be reached again
      });
      return found;
    },
    compareWithSeen: async (checkpoint) => {
      seen ??= seenBefore();
      (await seen).compare(checkpoint);
    },
  };
}

async function seenBefore(): Promise<SeenRoots> {
  const roots = new SeenRoots();
  for (const { note } of await keptCheckpoints()) {
    roots.compare(parseCheckpoint(note, "a kept checkpoint"));
  }
  return roots;
}
