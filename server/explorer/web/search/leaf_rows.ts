/** Records in the order of leaves, with the leaves between them that have no row; pure. */
import type { Entry } from "../common/entry";

/**
 * A record; or the number of a leaf of which the server says that no stored record claims it; or the first and the last
 * of leaves in a row that the server neither shows nor names.
 */
export type LeafRow =
  | { readonly entry: Entry }
  | { readonly missing: string }
  | { readonly unshown: readonly [first: string, last: string] };

/**
 * Records and leaves without one, by leaf. Several records that claim one leaf stay beside each other.
 *
 * @param within the first and the last leaf that have to be there
 */
export function leafRows(
  entries: readonly Entry[],
  missing: readonly string[],
  within?: { readonly first: bigint; readonly last: bigint },
): LeafRow[] {
  const rows = [...entries.map((entry) => ({ entry })), ...missing.map((leaf) => ({ missing: leaf }))]
    .map((row) => ({ row, leaf: BigInt("entry" in row ? (row.entry.evidence?.leafIndex ?? "0") : row.missing) }))
    .sort((one, other) => (one.leaf < other.leaf ? -1 : one.leaf > other.leaf ? 1 : 0));
  const gap = (from: bigint, to: bigint): LeafRow[] =>
    from < to ? [{ unshown: [String(from), String(to - 1n)] }] : [];
  const shown = rows.flatMap(({ row, leaf }, at): LeafRow[] => {
    const before = rows[at - 1]?.leaf;
    return [...gap(before === undefined ? (within?.first ?? leaf) : before + 1n, leaf), row];
  });
  if (!within) return shown;
  const last = rows.at(-1)?.leaf;
  return [...shown, ...gap(last === undefined ? within.first : last + 1n, within.last + 1n)];
}
