/** The sum of a trace: the same as the API's overview, but of all pages. Pure. */
import { type Entry, isError, mayBeUnsigned } from "../common/entry";
import type { Layout } from "./layout";

export interface Summary {
  services: readonly string[];
  /** IDs of actors, with the names by which people know them. */
  actors: ReadonlyMap<string, string>;
  errors: number;
  /** IDs of parent spans that are not among the entries. */
  missing: readonly string[];
  /** Number of entries by what the server says about their evidence, the worst first; without those of 0. */
  evidence: readonly { word: EvidenceWord; count: number }[];
}

export type EvidenceWord = "tampered" | "unsigned" | "signed" | "verified" | "not signed" | "in no log";

const WORDS: readonly EvidenceWord[] = ["tampered", "unsigned", "in no log", "not signed", "signed", "verified"];

/**
 * Sum up a trace.
 *
 * @param misplaced entries that are not of the trace: of these, only the evidence counts
 */
export function summaryOf({ rows }: Layout, misplaced: ReadonlySet<Entry> = new Set()): Summary {
  const services = new Set<string>();
  const actors = new Map<string, string>();
  const missing: string[] = [];
  const counts = new Map<EvidenceWord, number>();
  let errors = 0;
  for (const { entry, kind, spanId } of rows) {
    if (kind === "missing") missing.push(spanId);
    if (!entry) continue;
    if (!misplaced.has(entry)) {
      if (entry.service) services.add(entry.service);
      if (isError(entry)) errors += 1;
      const audit = entry.stream === "audit" ? entry.record.audit : undefined;
      if (audit?.actorId) actors.set(audit.actorId, audit.actorName || actors.get(audit.actorId) || "");
    }
    const word = evidenceWord(entry);
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return {
    services: [...services].sort(),
    actors: new Map([...actors].sort()),
    errors,
    missing: missing.sort(),
    evidence: WORDS.map((word) => ({ word, count: counts.get(word) ?? 0 })).filter(({ count }) => count),
  };
}

/** The server's word for the evidence of an entry. */
function evidenceWord(entry: Entry): EvidenceWord {
  const { evidence } = entry;
  if (!evidence) return mayBeUnsigned(entry) ? "in no log" : "unsigned";
  if (evidence.state === "VERIFIED") return "verified";
  if (evidence.state === "SIGNED") return "signed";
  if (evidence.state === "TAMPERED") return "tampered";
  return mayBeUnsigned(entry) ? "not signed" : "unsigned";
}
