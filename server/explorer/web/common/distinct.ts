/** Records that an answer gives more than once. Pure. */
import type { Entry } from "./entry";

/**
 * More entries for a page, after those that it has.
 *
 * Somebody may have copied a row: copies claim the same leaf with the same hash, and get keys of their own, so that
 * each can be opened. A log has a record once. So of several rows that are said to be the signed record, the first one
 * may be, and the others are marked as repeated: else one signed record would count for as many as the server likes.
 */
export function distinct(known: readonly Entry[], more: readonly Entry[]): Entry[] {
  const taken = new Set(known.map(({ key }) => key));
  const signed = new Set(known.filter(isSaidToBeSigned).map(identityOf));
  // A server may list a record many thousand times: the search for a free key goes on where the last one ended.
  const counts = new Map<string, number>();
  for (const entry of known) counts.set(identityOf(entry), (counts.get(identityOf(entry)) ?? 0) + 1);
  return more.map((entry) => {
    const identity = identityOf(entry);
    let key = entry.key;
    let number = Math.max(counts.get(identity) ?? 0, 1);
    while (taken.has(key)) {
      number += 1;
      key = `${entry.key}#${number}`;
    }
    taken.add(key);
    counts.set(identity, number);
    const isRepeated = isSaidToBeSigned(entry) && signed.has(identityOf(entry));
    if (isSaidToBeSigned(entry)) signed.add(identityOf(entry));
    if (isRepeated) return { ...entry, key, isRepeated };
    return key === entry.key ? entry : { ...entry, key };
  });
}

/** Rows that the server calls tampered or unsigned are never called checked. */
const isSaidToBeSigned = ({ evidence }: Entry): boolean =>
  Boolean(evidence?.logId) && (evidence?.state === "VERIFIED" || evidence?.state === "SIGNED");

const identityOf = ({ evidence }: Entry): string =>
  JSON.stringify([evidence?.logId, evidence?.leafIndex, evidence?.recordHash]);
