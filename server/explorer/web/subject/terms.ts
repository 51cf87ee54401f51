/** Terms of queries that this page adds and removes (docs/query-language.md). */

/**
 * The terms of a query, all of which must match; undefined if an operator or a missing end makes them something else.
 * Spaces separate terms, except in quotes and parentheses.
 */
export function termsOf(query: string): string[] | undefined {
  const terms: string[] = [];
  let [term, depth, isQuoted] = ["", 0, false];
  for (let at = 0; at < query.length; at += 1) {
    const character = query.charAt(at);
    if (character === "\\") {
      term += query.slice(at, at + 2);
      at += 1;
      continue;
    }
    if (character === '"') isQuoted = !isQuoted;
    else if (!isQuoted && /[([{]/.test(character)) depth += 1;
    else if (!isQuoted && /[)\]}]/.test(character)) depth -= 1;
    if (/\s/.test(character) && !isQuoted && depth === 0) {
      if (term) terms.push(term);
      term = "";
    } else term += character;
  }
  if (term) terms.push(term);
  const isPlain = depth === 0 && !isQuoted && !terms.some((each) => /^(AND|OR|NOT|&&|\|\||!|-)$/.test(each));
  return isPlain ? terms : undefined;
}

/** Return whether a term is one that a query demands. */
export const hasTerm = (query: string, term: string): boolean => termsOf(query)?.includes(term) ?? false;

/** The query with a term more, or without it if it had it. */
export function toggled(query: string, term: string): string {
  const terms = termsOf(query);
  if (!terms) return `(${query.trim()}) ${term}`;
  return (terms.includes(term) ? terms.filter((each) => each !== term) : [...terms, term]).join(" ");
}

/** The query that both demand; one of them may be empty. */
export function both(one: string, other: string): string {
  const parts = [one, other].map((part) => part.trim()).filter(Boolean);
  return parts.length < 2 ? parts.join("") : parts.map((part) => `(${part})`).join(" ");
}
