/** Choices of the reader that are kept in this browser: theme, and zone of times. */
import { effect, type Signal, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";
export type Zone = "local" | "utc";

export const theme = kept<Theme>("theme", "system", ["system", "light", "dark"]);
export const zone = kept<Zone>("zone", "local", ["local", "utc"]);

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

/** Apply the theme to the page, now and whenever it changes. */
export function applyTheme(): void {
  effect(() => {
    if (theme.value === "system") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  });
}
