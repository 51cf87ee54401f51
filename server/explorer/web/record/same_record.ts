/** Comparison of a row with the proof that is shown beside it: both have to be of one record. Pure. */

import type { Entry } from "../common/entry";
import { hexOf } from "../proof/bytes";
import { differenceIn } from "../trust/shown";
import type { Checked, Wanted } from "./check";

/**
 * Return what a row says otherwise than the proof, and the record in it; undefined if both are of the same record.
 *
 * Its fields mean little, even if they are those that were signed, before its stream is: an audit event that is sent as
 * a log record or a span has no actor and no action, and differs in no field that it has.
 *
 * @param entry the row that is shown
 * @param checked the check of the proof
 * @param wanted the record that was asked for, which the proof is of
 */
export function differenceFromProof(
  entry: Entry,
  { record, entry: hash, checkpoint }: Checked,
  { logId, leaf }: Wanted,
): string | undefined {
  if (!record || !hash) return undefined; // there is nothing to compare with, and no verdict that needs it
  const { evidence } = entry;
  if (entry.stream !== record.stream) return "its stream";
  if (evidence?.logId !== logId || evidence.origin !== checkpoint.origin) return "its log";
  if (evidence.leafIndex !== leaf) return "its leaf";
  if (evidence.recordHash !== hexOf(hash)) return "the hash of the record";
  return differenceIn(entry, record.columns);
}
