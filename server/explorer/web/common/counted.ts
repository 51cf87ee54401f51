/** Numbers with their nouns, in the singular or the plural. */

/** A number with commas, of an answer or of this page. */
export const shownNumber = (number: string | number | bigint): string => BigInt(number).toLocaleString("en");

/** A number and its noun; `many` is for nouns whose plural has more than an s. */
export function counted(number: string | number | bigint, one: string, many = `${one}s`): string {
  return `${shownNumber(number)} ${BigInt(number) === 1n ? one : many}`;
}
