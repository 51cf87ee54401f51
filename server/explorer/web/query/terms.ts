/** Terms of a query (docs/query-language.md), as far as the page has to know them: the server parses queries. */

/** A part of a query, by its place in the text: UTF-16 offsets [start, end). */
export interface Token {
  readonly kind: "term" | "operator" | "open" | "close" | "range";
  readonly start: number;
  readonly end: number;
  /** Of terms: field without escapes, or empty; and place where the value begins. */
  readonly field: string;
  readonly value: number;
}

const OPERATORS = new Set(["AND", "OR", "NOT", "&&", "||"]);

/** Split a query into its tokens. Every text has tokens, also one that is not a query. */
export function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  while (at < query.length) {
    const sign = query[at] ?? "";
    if (/\s/.test(sign)) {
      at += 1;
      continue;
    }
    const start = at;
    if (sign === "(" || sign === ")") {
      at += 1;
      tokens.push({ kind: sign === "(" ? "open" : "close", start, end: at, field: "", value: start });
    } else if (/[[\]{}]/.test(sign)) {
      const length = query.slice(at).search(/[\]}]/);
      at = length < 0 ? query.length : at + length + 1;
      tokens.push({ kind: "range", start, end: at, field: "", value: start });
    } else {
      const token = termAt(query, at);
      tokens.push(token);
      at = token.end;
    }
  }
  return tokens;
}

function termAt(query: string, start: number): Token {
  let at = start;
  let value = /[-!]/.test(query[start] ?? "") ? start + 1 : start;
  const begin = value;
  let field = "";
  for (; at < query.length && !/[\s()[\]{}]/.test(query[at] ?? ""); at += 1) {
    const sign = query[at];
    if (sign === "\\") at += 1;
    else if (sign === '"') at = endOfQuotes(query, at);
    else if (sign === ":" && !field && at > begin) {
      field = query.slice(begin, at).replace(/\\(.)/gs, "$1");
      value = at + 1;
    }
  }
  const end = Math.min(at, query.length);
  const kind = OPERATORS.has(query.slice(start, end)) ? "operator" : "term";
  return { kind, start, end, field, value };
}

function endOfQuotes(query: string, start: number): number {
  for (let at = start + 1; at < query.length; at += 1) {
    if (query[at] === "\\") at += 1;
    else if (query[at] === '"') return at;
  }
  return query.length;
}

/** Return whether a query names a field, whatever the case of its letters. */
export function namesField(query: string, name: string): boolean {
  return tokensOf(query).some(({ field }) => field.toLowerCase() === name.toLowerCase());
}

/**
 * Return whether terms beside a query would apply to a part of it only, because of an OR. A query that closes more than
 * it opened is an error, which parentheses around it would hide.
 */
export function needsParentheses(query: string): boolean {
  let [depth, lowest, hasChoice] = [0, 0, false];
  for (const { kind, start, end } of tokensOf(query)) {
    if (kind === "open") depth += 1;
    else if (kind === "close") depth -= 1;
    lowest = Math.min(lowest, depth);
    hasChoice ||= kind === "operator" && depth === 0 && /^(OR|\|\|)$/.test(query.slice(start, end));
  }
  return hasChoice && lowest === 0;
}

/** Return whether a query goes on after its last character: what follows would belong to an operator or a field. */
function isUnfinished(query: string): boolean {
  const last = tokensOf(query).at(-1);
  if (!last) return false;
  const text = query.slice(last.start, last.end);
  return last.kind === "operator" || /^[-!]$|:(?:[<>]=?)?$/.test(text);
}

/** A query that also demands a term. */
export function withTerm(query: string, term: string): string {
  const text = query.trim();
  if (!text || hasTerm(text, term)) return text || term;
  const opposite = term.startsWith("-") ? term.slice(1) : `-${term}`;
  const rest = hasTerm(text, opposite) ? withoutTerm(text, opposite) : text;
  if (!rest) return term;
  if (isUnfinished(rest)) return `${term} ${rest}`;
  return needsParentheses(rest) ? `(${rest}) ${term}` : `${rest} ${term}`;
}

/** Return whether a term stands in a query on its own, outside of parentheses and of any OR. */
export function hasTerm(query: string, term: string): boolean {
  return placeOf(query, term) !== undefined;
}

/** A query without a term that stands on its own in it. */
export function withoutTerm(query: string, term: string): string {
  const place = placeOf(query, term);
  if (!place) return query;
  return `${query.slice(0, place.start).trimEnd()} ${query.slice(place.end).trimStart()}`.trim();
}

/** A query with one more term, or without that term if it had it. */
export function toggled(query: string, term: string): string {
  return hasTerm(query, term) ? withoutTerm(query, term) : withTerm(query, term);
}

/** The query that both demand; one of them may be empty. */
export function both(one: string, other: string): string {
  const parts = [one, other].map((part) => part.trim()).filter(Boolean);
  return parts.length < 2 ? parts.join("") : parts.map((part) => `(${part})`).join(" ");
}

function placeOf(query: string, term: string): Part | undefined {
  if (needsParentheses(query)) return undefined;
  const parts = partsOf(query);
  return parts.find(
    ({ start, end }, at) =>
      query.slice(start, end) === term && !parts[at - 1]?.isOperator && !parts[at + 1]?.isOperator,
  );
}

/** A part of a query between spaces: a term with its range, or everything in parentheses. */
interface Part {
  readonly start: number;
  readonly end: number;
  readonly isOperator: boolean;
}

function partsOf(query: string): Part[] {
  const parts: Part[] = [];
  let depth = 0;
  for (const { kind, start, end } of tokensOf(query)) {
    const last = parts.at(-1);
    const isMore = last && (depth > 0 || last.end === start);
    if (isMore) parts.pop();
    const from = isMore ? last.start : start;
    parts.push({ start: from, end, isOperator: kind === "operator" || /^[-!]$/.test(query.slice(from, end)) });
    if (kind === "open") depth += 1;
    else if (kind === "close") depth -= 1;
  }
  return parts;
}
