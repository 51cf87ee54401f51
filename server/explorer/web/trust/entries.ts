/** Entries of answers, checked in this browser while they are looked at. */
import { type Signal, signal } from "@preact/signals";
import type { Entry } from "../shared/entry";
import type { Verdict } from "./verdict";

const verdicts = new Map<string, Signal<Verdict>>();

/** The verdict on an entry; the first call begins the check. The same entry has the same signal. */
export function verdictOf(entry: Entry): Signal<Verdict> {
  const known = verdicts.get(entry.key);
  if (known) return known;
  const made = signal<Verdict>({ kind: "waiting" });
  verdicts.set(entry.key, made);
  return made;
}
