/** Words of a POSIX shell. */

/** A command of words, each quoted if it has to be. */
export function commandOf(...words: string[]): string {
  return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`)).join(" ");
}

/**
 * A command with one argument, which others may have chosen, before its options. One that begins with a hyphen would be
 * taken for an option: it comes last, after two hyphens.
 */
export function commandWith(words: readonly string[], argument: string, options: readonly string[] = []): string {
  return argument.startsWith("-")
    ? commandOf(...words, ...options, "--", argument)
    : commandOf(...words, argument, ...options);
}

/**
 * The words of an option with a value, which others may have chosen; in one word if it could be taken for an option.
 */
export const optionOf = (name: string, value: string): string[] =>
  value.startsWith("-") ? [`${name}=${value}`] : [name, value];
