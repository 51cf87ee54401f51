/** Completion of a query at the place of the cursor; pure. */
import { shownNumber } from "../common/counted";
import { ownOf } from "../common/own";
import { escapedName, quoted } from "../common/terms";
import { tokensOf } from "./terms";

/** The part of a query that is being written, and could be completed: [from, to) of the text. */
export type Context =
  | { kind: "field"; prefix: string; from: number; to: number; afterTerm: boolean }
  | { kind: "value"; field: string; prefix: string; from: number; to: number }
  | { kind: "nothing" };

/** The part at a cursor. */
export function contextAt(query: string, cursor: number): Context {
  const groups: string[] = []; // fields of the parentheses that are open at the cursor
  let before: { field: string; end: number; isValue: boolean } = { field: "", end: -1, isValue: false };
  for (const token of tokensOf(query)) {
    if (token.start >= cursor) break;
    const isAtCursor = token.end >= cursor;
    if (token.kind === "open") {
      const isOfField = before.end === token.start && before.field !== "";
      groups.push(isOfField ? before.field : (groups.at(-1) ?? ""));
      before = { field: "", end: token.end, isValue: false };
      continue;
    }
    if (token.kind === "close") groups.pop();
    if (token.kind === "range" && isAtCursor) return { kind: "nothing" };
    if (token.kind === "term" && isAtCursor) return contextIn(query, cursor, token, groups.at(-1) ?? "");
    if (token.kind === "operator" && isAtCursor) {
      return {
        kind: "field",
        prefix: query.slice(token.start, cursor),
        from: token.start,
        to: token.end,
        afterTerm: true,
      };
    }
    before = { field: token.field, end: token.end, isValue: token.kind !== "operator" };
  }
  const group = groups.at(-1);
  if (group) return { kind: "value", field: group, prefix: "", from: cursor, to: cursor };
  return { kind: "field", prefix: "", from: cursor, to: cursor, afterTerm: before.isValue };
}

function contextIn(
  query: string,
  cursor: number,
  token: { start: number; end: number; field: string; value: number },
  group: string,
): Context {
  const field = cursor >= token.value ? token.field || group : "";
  if (field) {
    const sign = /^(>=?|<=?)?"?/.exec(query.slice(token.value, cursor))?.[0] ?? "";
    const from = token.value + sign.replace('"', "").length;
    return {
      kind: "value",
      field,
      prefix: unquoted(query.slice(token.value + sign.length, cursor)),
      from,
      to: token.end,
    };
  }
  const from = /[-!]/.test(query[token.start] ?? "") ? token.start + 1 : token.start;
  if (cursor < from || query[from] === '"') return { kind: "nothing" };
  return { kind: "field", prefix: query.slice(from, cursor), from, to: token.end, afterTerm: false };
}

const unquoted = (text: string): string => text.replace(/"$/, "").replace(/\\(.)/gs, "$1");

/** Something to put in place of the part that is being written. */
export interface Suggestion {
  readonly insert: string;
  readonly label: string;
  /** Short explanation, or a count. */
  readonly note: string;
}

/** Fields with a fixed set of words. */
export const WORDS: Readonly<Record<string, readonly string[]>> = {
  severity: ["trace", "debug", "info", "warn", "error", "fatal"],
  outcome: ["success", "failure", "unknown"],
  category: ["admin", "data", "auth", "system"],
  evidence: ["tampered", "unsigned", "signed", "verified"],
  signature: ["verified", "failed", "untrusted", "none"],
  kind: ["server", "client", "internal", "producer", "consumer", "unspecified"],
  status: ["error", "ok", "unset"],
};

/** Notes on fields, for completion and the reference of the language. */
export const FIELD_NOTES: Readonly<Record<string, string>> = {
  body: "text of the record; words without a field are searched for here",
  severity: "error, or >=warn",
  service: "service.name of the sender",
  event: "name of the event",
  scope: "name of the instrumentation",
  trace: "trace ID, in any notation",
  span: "span ID",
  actor: "ID of who acted",
  actor_name: "name of who acted",
  effective_actor: "identity under which the actor acted",
  action: "such as role.grant",
  target: "what it was done to",
  source: "where it came from",
  host: "host that it came from",
  outcome: "success, failure or unknown",
  category: "admin, data, auth or system",
  session: "session of the actor",
  rule: "rule that made the record an audit record",
  record: "ID of the audit record",
  description: "what happened, for people",
  evidence: "tampered, unsigned, signed or verified",
  signature: "producer's signature: verified, failed, untrusted or none",
  timestamp: "[2026-11-01 TO 2026-11-28]",
  received: "time of receipt",
  log: "origin or ID of a log; log:…#17 is one leaf",
  leaf: "number of a leaf",
  tenant: "tenant of the sender",
  sender: "name of the sender",
  name: "name of a span",
  parent: "ID of the parent span",
  kind: "server, client, internal, producer, consumer",
  status: "error, ok or unset",
  duration: "of a span, such as >250ms",
};

/** Names to complete: fields of the language, and attributes with the number of records that have each. */
export interface Names {
  readonly fields: readonly string[];
  readonly attributes: readonly { name: string; count: string }[];
}

const MOST = 12;

/** Suggestions of fields, and of operators after a term. The best come first. */
export function fieldSuggestions(names: Names, prefix: string, afterTerm: boolean): Suggestion[] {
  const wanted = prefix.toLowerCase();
  const fields = names.fields.map((name) => ({
    insert: `${name}:`,
    label: name,
    note: ownOf(FIELD_NOTES, name) ?? "",
  }));
  const attributes = names.attributes.map(({ name, count }) => ({
    insert: `${escapedName(name)}:`,
    label: name,
    note: `${shownNumber(count)} records`,
  }));
  const rank = ({ label }: Suggestion) => {
    const text = label.toLowerCase();
    if (text.startsWith(wanted)) return 0;
    return text.slice(text.indexOf(".") + 1).startsWith(wanted) ? 1 : text.includes(wanted) ? 2 : 3;
  };
  const ranked = [...fields, ...attributes]
    .map((suggestion) => ({ suggestion, rank: rank(suggestion) }))
    .filter((each) => each.rank < 3)
    .sort((one, other) => one.rank - other.rank)
    .map(({ suggestion }) => suggestion);
  const operators = ["AND", "OR", "NOT"]
    .filter((name) => (afterTerm || prefix) && name.startsWith(prefix))
    .map((name) => ({ insert: `${name} `, label: name, note: ownOf(OPERATOR_NOTES, name) ?? "" }));
  return [...operators, ...ranked].slice(0, MOST);
}

const OPERATOR_NOTES: Record<string, string> = {
  AND: "both; the same as side by side",
  OR: "at least one of the two",
  NOT: "without the term that follows; the same as -",
};

/** Suggestions of values: fixed words, or those that records have. */
export function valueSuggestions(
  field: string,
  prefix: string,
  found: readonly { value: string; count: string }[],
): Suggestion[] {
  const wanted = prefix.toLowerCase();
  const counts = new Map(found.map(({ value, count }) => [value, count]));
  const noteOf = (count: string | undefined) => (count ? `${shownNumber(count)} records` : "");
  const words = ownOf(WORDS, field.toLowerCase());
  if (words) {
    return words
      .filter((word) => word.startsWith(wanted))
      .map((word) => ({ insert: word, label: word, note: noteOf(counts.get(word)) }));
  }
  return found
    .filter(({ value }) => value.toLowerCase().startsWith(wanted) && value !== "")
    .slice(0, MOST)
    .map(({ value, count }) => ({ insert: quoted(value), label: value, note: noteOf(count) }));
}

/** A query with a suggestion in place of a part, and the place of the cursor after it. */
export function completed(
  query: string,
  context: Exclude<Context, { kind: "nothing" }>,
  { insert }: Suggestion,
): { query: string; cursor: number } {
  const rest = query.slice(context.to);
  const space = context.kind === "value" && !/^[\s)]/.test(rest) ? " " : "";
  const text = query.slice(0, context.from) + insert + space;
  return { query: text + rest, cursor: text.length };
}
