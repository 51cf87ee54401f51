/** Pairs of values before and after: attributes, and members of JSON in them, that belong together by their names. */
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
interface Named {
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
/** Comparisons that are made: as many as somebody reads. */
export const MOST_COMPARISONS = 200;
const LONGEST_NAME = 1_000; // characters of names that are taken apart
const MOST_OF_ONE = 8; // places at which a later value of one member is looked for

/** Find the pairs among a record's values, and compare the first of them. Values of equal pairs have no changes. */
export function comparisonsOf(values: readonly Named[]): Comparison[] {
  const byName = new Map(values.map(({ name, value }) => [name, value]));
  const found: Comparison[] = [];
  const pairs = [...pairsAmong([...byName.keys()]), ...changesFrom([...byName.keys()])];
  for (const [before, after] of pairs.slice(0, MOST_COMPARISONS)) {
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
    if (found.length >= MOST_COMPARISONS) break;
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
 * GitHub's webhooks have the earlier values of members under `changes`, such as `changes.title.from`, and the later
 * ones in the object itself, such as `issue.title`.
 */
function changesFrom(names: readonly string[]): [string, string][] {
  const found = names.flatMap((name): { name: string; path: string; member: string }[] => {
    if (name.length > LONGEST_NAME || !name.endsWith(".from")) return [];
    const [, path = "", member] = /^(.*?\bchanges)\.(.+)\.from$/.exec(name) ?? [];
    return member ? [{ name, path, member }] : [];
  });
  const known = new Set(found.length ? names : []);
  // The sender chooses how many there are: nothing may look at all names for each of them.
  const wanted = found.filter(({ path, member }) => !known.has(`${path}.${member}.to`)).slice(0, MOST_COMPARISONS);
  const byEnd = endsOf(names, new Set(wanted.map(({ member }) => member)));
  return wanted.flatMap(({ name, path, member }): [string, string][] => {
    const later = byEnd.get(member)?.find((each) => !each.startsWith(`${path}.`));
    return later ? [[name, later]] : [];
  });
}

/** Names by a member that they end with, after a dot; of each member, the first ones. */
function endsOf(names: readonly string[], members: ReadonlySet<string>): Map<string, string[]> {
  const byEnd = new Map<string, string[]>();
  if (!members.size) return byEnd;
  const longest = Math.max(...[...members].map((member) => member.length));
  for (const name of names) {
    for (let dot = name.lastIndexOf("."); dot >= 0 && name.length - dot - 1 <= longest; ) {
      const end = name.slice(dot + 1);
      const known = members.has(end) ? (byEnd.get(end) ?? []) : undefined;
      if (known && known.length < MOST_OF_ONE) byEnd.set(end, [...known, name]);
      dot = dot === 0 ? -1 : name.lastIndexOf(".", dot - 1);
    }
  }
  return byEnd;
}

function lookInto(value: Json, path: string, depth: number, found: Comparison[]): void {
  if (depth > DEEPEST || found.length >= MOST_COMPARISONS) return;
  if (Array.isArray(value)) {
    for (const [at, each] of value.slice(0, 100).entries()) lookInto(each, `${path}[${at}]`, depth + 1, found);
  }
  if (!isObject(value)) return;
  const at = (name: string) => `${path}.${pathName(name)}`;
  const paired = new Set<string>();
  for (const [before, after] of pairsAmong([...value.keys()]).slice(0, MOST_COMPARISONS)) {
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
  const holders = new Map<string, [string, Json]>(); // by member, the first object that has it
  for (const [name, holder] of owner) {
    if (name === "changes" || !isObject(holder)) continue;
    for (const [member, value] of holder) if (!holders.has(member)) holders.set(member, [name, value]);
  }
  for (const [member, change] of changes) {
    const from = isObject(change) && !change.has("to") ? change.get("from") : undefined;
    const later = holders.get(member);
    if (from === undefined || !later || found.length >= MOST_COMPARISONS) continue;
    const [name, after] = later;
    found.push(comparison(`${at("changes")}.${pathName(member)}.from`, from, `${at(name)}.${pathName(member)}`, after));
  }
}

/** A member that is a text with JSON, such as the representation in an event of Keycloak, is looked into as well. */
const within = (value: Json | undefined): Json => (typeof value === "string" ? parsedText(value) : (value ?? null));

const comparison = (before: string, one: Json, after: string, other: Json): Comparison => ({
  before,
  after,
  changes: changesBetween(one, other),
});
