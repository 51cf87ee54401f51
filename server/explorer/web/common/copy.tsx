/** Text that is meant to be copied: a command, a digest, a link. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Text } from "./text";

interface CopyProps {
  /** The text, or what makes it, if that takes long. */
  text: string | (() => string);
  label?: string;
  /** The rest of the button's name, for readers who do not see beside what it is. */
  of?: string;
}

/** A button that copies a text. */
export function Copy({ text, label = "copy", of }: CopyProps): JSX.Element {
  const [done, setDone] = useState("");
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      setDone("copied");
    } catch {
      setDone("not copied: the browser does not permit it");
    }
    setTimeout(() => setDone(""), 2000);
  };
  return (
    <button type="button" class="copy" onClick={copy}>
      {label}
      {of && <span class="read-out"> {of}</span>}
      <span class="copied" role="status">
        {done}
      </span>
    </button>
  );
}

/** A command for a terminal, which says the same as the page. */
export function Command({ text }: { text: string }): JSX.Element {
  return (
    <p class="command">
      <code>
        <Text text={text} />
      </code>{" "}
      <Copy text={text} label="copy command" />
    </p>
  );
}
