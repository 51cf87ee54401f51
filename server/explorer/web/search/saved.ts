/** Searches that the reader saved under a name, kept in this browser only. */
import { beginningOf } from "../common/text";

/** A saved search: parameters of the page's URL, without the record that was open. */
export interface SavedSearch {
  readonly name: string;
  readonly parameters: string;
}

const KEY = "lognotary.searches";
const MOST = 100;
const LONGEST_NAME = 100;
const NOT_SAVED: readonly string[] = ["open", "near", "live"];

/** The saved searches in a text; there are none in any other text. */
export function savedIn(text: string | null): SavedSearch[] {
  try {
    const kept: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(kept) ? kept.filter(isSaved).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

function isSaved(value: unknown): value is SavedSearch {
  const { name, parameters } = (value ?? {}) as Record<string, unknown>;
  return typeof name === "string" && typeof parameters === "string";
}

/** Saved searches with one more, in place of one of the same name. */
export function withSaved(saved: readonly SavedSearch[], name: string, parameters: URLSearchParams): SavedSearch[] {
  const kept = new URLSearchParams(parameters);
  for (const each of NOT_SAVED) kept.delete(each);
  const added = { name: beginningOf(name.trim(), LONGEST_NAME), parameters: kept.toString() };
  if (!added.name) return [...saved];
  return [...saved.filter((other) => other.name !== added.name), added].slice(-MOST);
}

/** The saved searches of this browser, the first saved first. */
export function savedSearches(): SavedSearch[] {
  try {
    return savedIn(localStorage.getItem(KEY));
  } catch {
    return []; // storage may be blocked
  }
}

/** Keep saved searches. Return false if the browser keeps nothing. */
export function keepSearches(saved: readonly SavedSearch[]): boolean {
  try {
    localStorage.setItem(KEY, JSON.stringify(saved));
    return true;
  } catch {
    return false;
  }
}
