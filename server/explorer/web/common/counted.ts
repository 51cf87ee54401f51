/** Numbers with their nouns, in the singular or the plural. */

/** A number with commas, of an answer or of this page. */
export const shownNumber = (number: string | number | bigint): string => BigInt(number).toLocaleString("en");

/** A number and its noun; `many` is for nouns whose plural has more than an s. */
export function counted(number: string | number | bigint, one: string, many = `${one}s`): string {
  return `${shownNumber(number)} ${BigInt(number) === 1n ? one : many}`;
}

/** A share in per cent: one that is not nothing is never shown as nothing, nor one that is not all as all. */
export function shownShare(part: number, whole: number): string {
  const share = (part / Math.max(whole, 1)) * 100;
  if (share > 0 && share < 1) return "<1%";
  return share > 99 && share < 100 ? ">99%" : `${Math.round(share)}%`;
}
