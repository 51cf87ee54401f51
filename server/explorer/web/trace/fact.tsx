/** A fact of a list. */
import type { ComponentChildren, JSX } from "preact";

/** A name with what is known of it. */
export function Fact({ name, children }: { name: string; children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
