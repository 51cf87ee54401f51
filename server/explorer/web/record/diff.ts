/** Differences of two values by path: JSON within texts is compared member by member. */

import { looksLikeJson } from "../common/json_text";
import { VerificationError } from "../proof/errors";
import { type Json, jsonText, parseJson } from "../proof/json";

/** A difference at a path; values are as text, JSON unless they are strings. */
export type Change = { readonly path: string } & (
  | { readonly kind: "added"; readonly after: string }
  | { readonly kind: "removed"; readonly before: string }
  | { readonly kind: "changed"; readonly before: string; readonly after: string }
);

/** The value of a text: parsed if it is a JSON object or array, else the text itself. Numbers stay exact. */
export function parsedText(text: string): Json {
  if (!looksLikeJson(text)) return text;
  try {
    return parseJson(text, "the value", { mayRepeat: true });
  } catch (error) {
    if (error instanceof VerificationError) return text;
    throw error;
  }
}

/** A value as text; a string is shown without quotes. */
export const shown = (value: Json): string => (typeof value === "string" ? value : jsonText(value));

/** The differences between two values, in the order of the first one's members, then the second one's. */
export function changesBetween(before: Json, after: Json): Change[] {
  const changes: Change[] = [];
  compare(before, after, "", changes);
  return changes;
}

function compare(before: Json, after: Json, path: string, changes: Change[]): void {
  const [one, other] = [membersOf(before, after), membersOf(after, before)];
  if (!one || !other) {
    if (shown(before) !== shown(after) || typeof before !== typeof after) {
      changes.push({ path, kind: "changed", before: shown(before), after: shown(after) });
    }
    return;
  }
  for (const name of new Set([...one.keys(), ...other.keys()])) {
    const [was, is] = [one.get(name), other.get(name)];
    const at = name.startsWith("[") || path === "" ? `${path}${name}` : `${path}.${name}`;
    if (was === undefined && is !== undefined) changes.push({ path: at, kind: "added", after: shown(is) });
    else if (is === undefined && was !== undefined) changes.push({ path: at, kind: "removed", before: shown(was) });
    else if (was !== undefined && is !== undefined) compare(was, is, at, changes);
  }
}

/** Members by the names that they have in paths; undefined if two values are not both objects, or both arrays. */
function membersOf(value: Json, other: Json): Map<string, Json> | undefined {
  if (isObject(value) && isObject(other)) {
    return new Map([...value].map(([name, member]) => [pathName(name), member]));
  }
  if (!isArray(value) || !isArray(other)) return undefined;
  // Kubernetes, for example, tells elements apart by their names, so that an inserted one does not change all others.
  const identity = ["name", "id", "uid", "key", "type"].find(
    (each) => isIdentity(value, each) && isIdentity(other, each),
  );
  return new Map(
    value.map((element, at) => [
      identity && isObject(element) ? `[${identity}=${shown(element.get(identity) ?? "")}]` : `[${at}]`,
      element,
    ]),
  );
}

function isIdentity(elements: readonly Json[], name: string): boolean {
  const found = new Set<string>();
  for (const element of elements) {
    const value = isObject(element) ? element.get(name) : undefined;
    if (typeof value !== "string" || found.has(value)) return false;
    found.add(value);
  }
  return true;
}

/** A member's name in a path: in brackets if it would look like several. */
export const pathName = (name: string): string => (/^[\w$@-]+$/.test(name) ? name : `[${JSON.stringify(name)}]`);

export const isObject = (value: Json | undefined): value is ReadonlyMap<string, Json> => value instanceof Map;
const isArray = (value: Json): value is readonly Json[] => Array.isArray(value);
