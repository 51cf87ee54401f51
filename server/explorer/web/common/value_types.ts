/** Types of attributes as they were sent, which `otlpDetails` has (docs/storage.md, values that are not strings). */

/** A member of a JSON object: name, and text of its value. */
type Member = readonly [name: string, value: string];

/**
 * The members of a JSON object, in their order. Unlike JSON.parse, this keeps all members of the same name, since the
 * n-th type of an attribute belongs to its n-th value. Anything that is not an object has no members.
 */
export function membersOf(json: string): Member[] {
  const members: Member[] = [];
  let at = json.indexOf("{") + 1;
  if (at === 0) return [];
  while (at < json.length) {
    const [nameStart, nameEnd] = spanAt(json, at, ":");
    if (nameEnd >= json.length) break;
    const [start, end] = spanAt(json, nameEnd + 1, ",");
    const name = stringOf(json.slice(nameStart, nameEnd).trim());
    if (name === undefined) break;
    members.push([name, json.slice(start, end).trim()]);
    if (json[end] !== ",") break;
    at = end + 1;
  }
  return members;
}

/** The text from a place to a separator or the end of what encloses it, outside of strings and brackets. */
function spanAt(json: string, start: number, separator: string): [number, number] {
  let depth = 0;
  for (let at = start; at < json.length; at += 1) {
    const sign = json[at];
    if (sign === '"') at = endOfString(json, at);
    else if (sign === "{" || sign === "[") depth += 1;
    else if (depth === 0 && (sign === separator || sign === "}" || sign === "]")) return [start, at];
    else if (sign === "}" || sign === "]") depth -= 1;
  }
  return [start, json.length];
}

/** Place of the quotes that end a string which begins at a place. */
export function endOfString(json: string, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== '"') at += json[at] === "\\" ? 2 : 1;
  return at;
}

function stringOf(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

/** The text of a member of a JSON object, by its path; undefined if there is none. Each call reads all of the text. */
export function memberAt(json: string, ...path: readonly string[]): string | undefined {
  let found: string | undefined = json;
  for (const name of path) found = membersOf(found ?? "").find(([each]) => each === name)?.[1];
  return found;
}

/** The members of a JSON object by their names, the first of each, for texts that are asked for many of them. */
export function memberMap(json: string | undefined): ReadonlyMap<string, string> {
  return new Map(membersOf(json ?? "").reverse());
}

/** Types of attributes by their keys, for people; a key that is not there has strings only. */
export function typesIn(types: string | undefined): Map<string, string> {
  const found = new Map<string, Set<string>>();
  for (const [key, type] of membersOf(types ?? "")) found.set(key, (found.get(key) ?? new Set()).add(typeName(type)));
  return new Map([...found].map(([key, names]) => [key, [...names].join(" or ")]));
}

/** Name of a type for people: string, int, double, bool, bytes, empty, array of a type, or map. */
export function typeName(json: string): string {
  if (json.startsWith("{")) return "map";
  if (!json.startsWith("[")) return stringOf(json) ?? "unknown";
  try {
    const elements = JSON.parse(json) as unknown[];
    if (elements.length !== 1) return elements.length ? "array" : "array of strings";
    const [only] = elements;
    return typeof only === "string" ? `array of ${only}` : "array";
  } catch {
    return "array";
  }
}
