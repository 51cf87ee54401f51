/** The list of keys, as a dialog. */
import type { JSX } from "preact";
import { Dialog } from "../common/dialog";
import { ownOf } from "../common/own";
import { shortcuts } from "./keyboard";
import { characterKeys } from "./preferences";

const NAMES: Record<string, string> = { " ": "Space", Escape: "Esc", ArrowDown: "↓", ArrowUp: "↑" };

/** The dialog; it is there as long as it is open. */
export function KeyHelp({ onClose }: { onClose: () => void }): JSX.Element {
  const seen = new Set<string>();
  const working = shortcuts.value.filter(({ key }) => !seen.has(key) && seen.add(key));
  return (
    <Dialog title="Keys" onClose={onClose}>
      <dl class="keys">
        {working.map(({ key, does }) => (
          <div key={key}>
            <dt>
              <kbd>{ownOf(NAMES, key) ?? key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <label>
        <input
          type="checkbox"
          checked={characterKeys.value === "on"}
          onChange={(event) => (characterKeys.value = event.currentTarget.checked ? "on" : "off")}
        />{" "}
        Keys of one character work
      </label>
      <p class="quiet">
        Turn them off if this computer types what you say: it would press them. This browser keeps the choice.
      </p>
    </Dialog>
  );
}
