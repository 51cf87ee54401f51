/** Numbers in the manifest of an export (docs/exports.md). */

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
    const left = out.filter(([count]) => count > 0).map(([count, name]) => `${count.toLocaleString("en")} ${name}`);
    return `${Records.toLocaleString("en")} records${left.length ? `; left out: ${left.join(", ")}` : ""}`;
  } catch {
    return undefined;
  }
}
