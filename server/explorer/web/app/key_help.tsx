/** The list of keys, as a dialog. */
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { shortcuts } from "./keyboard";

const NAMES: Record<string, string> = { " ": "Space", Escape: "Esc", ArrowDown: "↓", ArrowUp: "↑" };

/** The dialog; the browser closes it with Esc. */
export function KeyHelp({ isOpen, onClose }: { isOpen: boolean; onClose: () => void }): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (isOpen) dialog.current?.showModal();
    else dialog.current?.close();
  }, [isOpen]);
  const seen = new Set<string>();
  const working = shortcuts.value.filter(({ key }) => !seen.has(key) && seen.add(key));
  return (
    <dialog ref={dialog} onClose={onClose} aria-labelledby="keys-title">
      <h2 id="keys-title">Keys</h2>
      <dl class="keys">
        {working.map(({ key, does }) => (
          <div key={key}>
            <dt>
              <kbd>{NAMES[key] ?? key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
