/** Words of a POSIX shell. */

/** A command of words, each quoted if it has to be. */
export function commandOf(...words: string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)).join(" ");
}
