/** Marks that redaction puts in place of values (docs/configuration.md). */

const MARK = /^\[(redacted|hmac):[a-z0-9_.]+(:sha256)?(:[0-9a-f]+)?\]$/;

/** Return whether a value is a mark of redaction. */
export const isMark = (value: string): boolean => MARK.test(value);
