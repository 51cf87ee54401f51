/** Places of records in the URL: log#leaf#hash, or log#leaf for whichever row has this leaf. */
import type { Entry } from "../common/entry";

/** The entry at a place; for log#leaf, the first row that has this leaf. */
export function entryAt(entries: readonly Entry[], place: string): Entry | undefined {
  return entries.find(({ key }) => key === place) ?? entries.find(({ key }) => key.startsWith(`${place}#`));
}

/** The log and leaf of a place, as log#leaf; undefined if it is in no log. */
export const leafOf = (place: string): string | undefined =>
  /^([0-9a-f]{16}#\d{1,20})(#[0-9a-f]*(#\d+)?)?$/.exec(place)?.[1];

/** The other entries that claim the leaf of an entry. */
export function rivalsOf(entries: readonly Entry[], { key }: Entry): Entry[] {
  const leaf = leafOf(key);
  return leaf === undefined ? [] : entries.filter((entry) => entry.key !== key && leafOf(entry.key) === leaf);
}
