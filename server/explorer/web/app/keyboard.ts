/** Keys of the explorer. Pages add their own while they are shown. */
import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

export interface Shortcut {
  /** The key, as KeyboardEvent.key names it. */
  key: string;
  /** What the key does, for the list of keys. */
  does: string;
  run: (event: KeyboardEvent) => void;
  /** True if the key also works while the reader types. */
  whileTyping?: boolean;
}

/** The keys that work now, the latest first. */
export const shortcuts = signal<readonly Shortcut[]>([]);

/** Add keys for as long as a component is shown. Later ones come before earlier ones of the same key. */
export function useShortcuts(added: readonly Shortcut[], inputs: readonly unknown[]): void {
  useEffect(() => {
    shortcuts.value = [...added, ...shortcuts.peek()];
    return () => {
      shortcuts.value = shortcuts.peek().filter((shortcut) => !added.includes(shortcut));
    };
  }, inputs);
}

/** Run the shortcut of each key that is pressed. */
export function listenToKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog:modal")) return; // its keys are those of the browser
    if (event.key === "Enter" && isActivated(event.target)) return;
    const typing = isTyping(event.target);
    const found = shortcuts.value.find(({ key, whileTyping }) => key === event.key && (!typing || whileTyping));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}

/** Return whether Enter does something to an element by itself. */
function isActivated(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("a[href], button, summary, input, select");
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])")
  );
}
