/** Records in the order of leaves, with the leaves between them that no stored record claims; pure. */
import type { Entry } from "../shared/entry";

/** A record, or the number of a leaf without one. */
export type LeafRow = { readonly entry: Entry } | { readonly missing: string };

/** Records and missing leaves, by leaf. Several records that claim one leaf stay beside each other. */
export function leafRows(entries: readonly Entry[], missing: readonly string[]): LeafRow[] {
  const rows: LeafRow[] = [...entries.map((entry) => ({ entry })), ...missing.map((leaf) => ({ missing: leaf }))];
  return rows
    .map((row) => ({ row, leaf: BigInt("entry" in row ? (row.entry.evidence?.leafIndex ?? "0") : row.missing) }))
    .sort((one, other) => (one.leaf < other.leaf ? -1 : one.leaf > other.leaf ? 1 : 0))
    .map(({ row }) => row);
}
