/** What a record has before and after: attributes, and members of JSON in them, that belong together by their names. */
import type { Json } from "../proof/json";
import { type Change, changesBetween, isObject, parsedText, pathName } from "./diff";

/** Two values of a record that belong together, and how they differ. */
export interface Comparison {
  /** Name of the earlier value, or of what was asked for. */
  readonly before: string;
  /** Name of the later value. */
  readonly after: string;
  readonly changes: readonly Change[];
}

/** A named value of a record. */
export interface Named {
  readonly name: string;
  readonly value: string;
}

// Words that names of earlier and later values have: at their ends, or at their beginnings.
const PAIRS: readonly (readonly [string, string])[] = [
  ["before", "after"],
  ["old", "new"],
  ["from", "to"],
  ["previous", "current"],
  ["previous", "updated"],
  ["previous", "new"],
  ["prior", "new"],
  ["original", "modified"],
];
// What was asked of Kubernetes, and what it stored.
const KUBERNETES = ["requestObject", "responseObject"] as const;
const DEEPEST = 8;

/** Find the pairs among a record's values, and compare them. Values of equal pairs have no changes. */
export function comparisonsOf(values: readonly Named[]): Comparison[] {
  const byName = new Map(values.map(({ name, value }) => [name, value]));
  const found: Comparison[] = [];
  for (const [before, after] of [...pairsAmong([...byName.keys()]), ...changesFrom([...byName.keys()])]) {
    found.push(comparison(before, parsedText(byName.get(before) ?? ""), after, parsedText(byName.get(after) ?? "")));
  }
  const paired = new Set(found.flatMap(({ before, after }) => [before, after]));
  for (const [name, text] of byName) {
    const value = paired.has(name) ? undefined : parsedText(text);
    if (value !== undefined && typeof value !== "string") lookInto(value, name, 0, found);
  }
  return found;
}

/** Pairs of names that differ in one word, which says that one is the earlier and the other the later value. */
export function pairsAmong(names: readonly string[]): [string, string][] {
  const known = new Set(names);
  const taken = new Set<string>();
  const found: [string, string][] = [];
  for (const name of names) {
    for (const [earlier, later] of PAIRS) {
      const other = replacedWord(name, earlier, later);
      if (!other || !known.has(other) || taken.has(name) || taken.has(other)) continue;
      taken.add(name).add(other);
      found.push([name, other]);
    }
    const other = name.replace(KUBERNETES[0], KUBERNETES[1]);
    if (other !== name && known.has(other)) found.push([name, other]);
  }
  return found;
}

/** A name with another word at its end or beginning; undefined if it does not have this word there. */
function replacedWord(name: string, word: string, other: string): string | undefined {
  const upper = (text: string) => text[0]?.toUpperCase() + text.slice(1);
  const forms: [RegExp, string][] = [
    [new RegExp(`^${word}(?=$|[._:/-]|[A-Z])`), other], // old_value, oldValue
    [new RegExp(`(?<=[._:/-])${word}(?=[_-]|[A-Z]|$)`), other], // role.old, change.oldValue
    [new RegExp(`(?<=[a-z0-9])${upper(word)}$`), upper(other)], // valueBefore
  ];
  for (const [form, replacement] of forms) if (form.test(name)) return name.replace(form, replacement);
  return undefined;
}

/**
 * GitHub's webhooks have the earlier values of members under `changes`, such as `changes.title.from`, and the later ones
 * in the object itself, such as `issue.title`.
 */
function changesFrom(names: readonly string[]): [string, string][] {
  return names.flatMap((name): [string, string][] => {
    const [, path = "", member] = /^(.*?\bchanges)\.(.+)\.from$/.exec(name) ?? [];
    if (!member || names.includes(`${path}.${member}.to`)) return [];
    const later = names.find((each) => each.endsWith(`.${member}`) && !each.startsWith(`${path}.`));
    return later ? [[name, later]] : [];
  });
}

function lookInto(value: Json, path: string, depth: number, found: Comparison[]): void {
  if (depth > DEEPEST) return;
  if (Array.isArray(value)) {
    for (const [at, each] of value.slice(0, 100).entries()) lookInto(each, `${path}[${at}]`, depth + 1, found);
  }
  if (!isObject(value)) return;
  const at = (name: string) => `${path}.${pathName(name)}`;
  const paired = new Set<string>();
  for (const [before, after] of pairsAmong([...value.keys()])) {
    paired.add(before).add(after);
    found.push(comparison(at(before), within(value.get(before)), at(after), within(value.get(after))));
  }
  const changes = value.get("changes");
  if (isObject(changes)) lookIntoChanges(changes, value, at, found);
  for (const [name, member] of value) if (!paired.has(name)) lookInto(within(member), at(name), depth + 1, found);
}

function lookIntoChanges(
  changes: ReadonlyMap<string, Json>,
  owner: ReadonlyMap<string, Json>,
  at: (name: string) => string,
  found: Comparison[],
): void {
  for (const [member, change] of changes) {
    const from = isObject(change) && !change.has("to") ? change.get("from") : undefined;
    if (from === undefined) continue;
    const before = `${at("changes")}.${pathName(member)}.from`;
    for (const [name, holder] of owner) {
      const after = name !== "changes" && isObject(holder) ? holder.get(member) : undefined;
      if (after === undefined) continue;
      found.push(comparison(before, from, `${at(name)}.${pathName(member)}`, after));
      break;
    }
  }
}

/** A member that is a text with JSON, such as the representation in an event of Keycloak, is looked into as well. */
const within = (value: Json | undefined): Json => (typeof value === "string" ? parsedText(value) : (value ?? null));

const comparison = (before: string, one: Json, after: string, other: Json): Comparison => ({
  before,
  after,
  changes: changesBetween(one, other),
});
