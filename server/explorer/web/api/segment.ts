/**
 * A text as a segment of a path, of pages and of the API. Browsers take . and .. for steps, however they are encoded: a
 * tilde keeps such an ID from it (docs/api.md).
 */
export const segment = (text: string): string => encodeURIComponent(text.replace(/^(?=~*\.{1,2}$)/, "~"));
