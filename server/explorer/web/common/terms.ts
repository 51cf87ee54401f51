/** Terms that pages write into queries (docs/query-language.md). */

/** A value in quotes, so that every character of it is an ordinary one. */
export const quoted = (value: string): string => `"${value.replace(/["\\]/g, "\\$&")}"`;

/** The name of a field, so that every character of it is an ordinary one. */
export const escapedName = (field: string): string => field.replace(/[\s()[\]{}"\\*:]/g, "\\$&");

/** The term that finds records in which a field, by its name in the query language, has exactly this value. */
export const termOf = (field: string, value: string): string => `${escapedName(field)}:${quoted(value)}`;
