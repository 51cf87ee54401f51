/** Keys of the explorer. Pages add their own while they are shown. */
import { computed, signal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import { characterKeys } from "./preferences";

interface Shortcut {
  /** The key, as KeyboardEvent.key names it. */
  key: string;
  /** Effect of the key, for the list of keys. */
  does: string;
  run: (event: KeyboardEvent) => void;
  /** True if the key also works while the reader types. */
  whileTyping?: boolean;
}

/** The keys of what is shown, the latest first. */
const added = signal<readonly Shortcut[]>([]);

/** The keys that work now, the latest first. */
export const shortcuts = computed(() =>
  added.value.filter(({ key }) => characterKeys.value === "on" || !isCharacter(key)),
);

/** Return whether a key is a letter, a digit or a sign, and not one with a name, such as Enter. */
const isCharacter = (key: string): boolean => key.length === 1 && key !== " ";

/** Add keys for as long as a component is shown. Later ones come before earlier ones of the same key. */
export function useShortcuts(own: readonly Shortcut[], inputs: readonly unknown[]): void {
  // Before the next key: an effect after the frame would leave it to what was shown before.
  useLayoutEffect(() => {
    added.value = [...own, ...added.peek()];
    return () => {
      added.value = added.peek().filter((shortcut) => !own.includes(shortcut));
    };
  }, inputs);
}

/** Run the shortcut of each key that is pressed. */
export function listenToKeys(): void {
  addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog:modal") || belongsToElement(event)) return;
    const typing = isTyping(event.target);
    const found = shortcuts.value.find(({ key, whileTyping }) => key === event.key && (!typing || whileTyping));
    if (!found) return;
    event.preventDefault();
    found.run(event);
  });
}

/** Return whether the browser itself does something with a key: links and buttons are pressed, a dialog is closed. */
function belongsToElement({ key, target }: KeyboardEvent): boolean {
  if (!(target instanceof Element)) return false;
  if (key === "Enter" || key === " ") return target.closest("a[href], button, summary, label, input, select") !== null;
  return key === "Escape" && target.closest("dialog[open]") !== null;
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return (
    target.isContentEditable ||
    target.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button])")
  );
}
