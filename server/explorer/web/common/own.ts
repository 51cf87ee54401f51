/** Tables that are looked up by texts from elsewhere: of addresses, answers, senders, and what readers type. */

/**
 * The value that a table itself has for a name. Every object also has what it inherits, such as `constructor` and
 * `__proto__`: a page that took these for values of its table would show, call or even change them.
 */
export const ownOf = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
