/** A dialog in front of the page: the browser keeps the focus in it, and closes it with Esc. */
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="dialog" onClose={onClose} aria-labelledby={id}>
      <form method="dialog" class="dialog-head">
        <h2 id={id}>{title}</h2>
        <button type="submit">Close</button>
      </form>
      {children}
    </dialog>
  );
}
