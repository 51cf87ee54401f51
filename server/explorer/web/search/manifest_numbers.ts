/** Numbers in the manifest of an export (docs/exports.md). */

import { shownNumber } from "../common/counted";

/** The numbers of records that a manifest names, as a text; undefined if it is not read. */
export function numbersOf(note: string): string | undefined {
  try {
    const { Records, LeftOut } = JSON.parse(note.split("\n")[1] ?? "") as {
      Records: number;
      LeftOut: { Tampered: number; Unsigned: number; Later: number };
    };
    const out = [
      [LeftOut.Tampered, "tampered"],
      [LeftOut.Unsigned, "unsigned"],
      [LeftOut.Later, "later"],
    ] as const;
    const left = out.filter(([count]) => count > 0).map(([count, name]) => `${shownNumber(count)} ${name}`);
    return `${shownNumber(Records)} records${left.length ? `; left out: ${left.join(", ")}` : ""}`;
  } catch {
    return undefined;
  }
}
