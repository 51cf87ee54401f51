/** Choices of the reader that are kept in this browser: theme, zone of times, and keys of one character. */
import { effect, type Signal, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
export type Zone = "local" | "utc";
type Switch = "on" | "off";

export const theme = kept<Theme>("theme", "system", ["system", "light", "dark"]);
export const zone = kept<Zone>("zone", "local", ["local", "utc"]);

/** Off if only keys with a name work, such as Enter: speech input types letters and signs (WCAG 2.1.4). */
export const characterKeys = kept<Switch>("character-keys", "on", ["on", "off"]);

/** A signal whose value is kept, and forgotten where the browser keeps nothing. */
function kept<T extends string>(name: string, initial: T, values: readonly T[]): Signal<T> {
  const key = `lognotary.${name}`;
  let stored: string | null = null;
  try {
    stored = localStorage.getItem(key);
  } catch {
    // Storage may be blocked.
  }
  const found = values.find((value) => value === stored);
  const made = signal<T>(found ?? initial);
  effect(() => {
    try {
      localStorage.setItem(key, made.value);
    } catch {
      // As above.
    }
  });
  return made;
}

/** Tell the styles of the theme, and whether keys of one character work, now and whenever they change. */
export function applyPreferences(): void {
  const { dataset } = document.documentElement;
  effect(() => {
    if (theme.value === "system") delete dataset.theme;
    else dataset.theme = theme.value;
  });
  effect(() => {
    dataset.characterKeys = characterKeys.value;
  });
}
