/** The verdict on a record, in words, shape and colour, with what to do. */
import type { ComponentChildren, JSX } from "preact";
import { Text } from "../shared/text";
import type { Checked } from "./check";
import { pinnedName } from "./use_check";

interface VerdictProps {
  kind: "checked" | "unpinned" | "gone" | "refuted" | "unproved" | "waiting";
  title: string;
  children: ComponentChildren;
}

const SHAPES: Record<VerdictProps["kind"], string> = {
  checked: "✔",
  unpinned: "◐",
  gone: "∅",
  refuted: "✘",
  unproved: "▢",
  waiting: "…",
};

/** A verdict. Refutations are read out at once. */
export function Verdict({ kind, title, children }: VerdictProps): JSX.Element {
  return (
    <section class={`verdict verdict-${kind}`} role={kind === "refuted" ? "alert" : undefined} aria-label="Verdict">
      <span class="verdict-shape" aria-hidden="true">
        {SHAPES[kind]}
      </span>
      <div>
        <h2>{title}</h2>
        {children}
      </div>
    </section>
  );
}

/** The verdict of a check. `difference` names what this page shows otherwise than the record that was signed. */
export function CheckVerdict({ checked, difference }: { checked: Checked; difference?: string }): JSX.Element {
  const { outcome, entry, checkpoint } = checked;
  const size = `${checkpoint.size.toLocaleString("en")} ${checkpoint.size === 1n ? "entry" : "entries"}`;
  if (outcome.kind === "refuted") {
    return (
      <Verdict kind="refuted" title={`${outcome.finding}: this is not what was signed`}>
        <p>
          <Text text={sentence(outcome.message)} />
        </p>
        <p>
          Do not rely on this record. <code>lognotary verify</code> checks the whole log and names every finding.
        </p>
      </Verdict>
    );
  }
  if (difference !== undefined) {
    return (
      <Verdict kind="refuted" title="RECORD_CHANGED: what is shown is not what was signed">
        <p>
          The server's answer says something else in <Text text={difference} /> than the record that its log has. The
          signed record is below, as this browser read it.
        </p>
      </Verdict>
    );
  }
  if (outcome.kind === "unproved") {
    return (
      <Verdict kind="unproved" title="It cannot be checked here">
        <p>
          <Text text={sentence(outcome.message)} />
        </p>
      </Verdict>
    );
  }
  const key =
    outcome.kind === "checked" ? (
      <>
        a key that you pinned, <PinnedKey fingerprint={outcome.key} />
      </>
    ) : (
      "a key that only this server names"
    );
  if (!entry) {
    return (
      <Verdict kind="gone" title="Its content has expired or was deleted; its leaf is still proved">
        <p>
          The leaf leads to the root of a checkpoint of {size}, signed by {key}. Whoever kept the record can prove it
          with this leaf. <code>lognotary verify</code> tells whether the log's retention permitted to drop it.
        </p>
        {outcome.kind === "unpinned" && <PinLink />}
      </Verdict>
    );
  }
  if (outcome.kind === "unpinned") {
    return (
      <Verdict kind="unpinned" title="It fits, but its key is not pinned">
        <p>
          Record, path, root and signature fit together ({size}). But only this server says that the key is the log's:
          whoever runs it could have signed anything.
        </p>
        <PinLink />
      </Verdict>
    );
  }
  return (
    <Verdict kind="checked" title="Checked in this browser">
      <p>
        Computed here, this is the record that was signed: it leads to the root of a checkpoint of {size}, signed by{" "}
        {key}.
      </p>
      <p class="quiet">
        This page's script comes from the server. <a href="/trust">What this does not prove</a>
      </p>
    </Verdict>
  );
}

/** The name that the reader gave a key, and its fingerprint, which is in the name of a key without one. */
function PinnedKey({ fingerprint }: { fingerprint: string }): JSX.Element {
  const name = pinnedName(fingerprint);
  return (
    <>
      <Text text={name} />
      {!name.includes(fingerprint) && (
        <>
          {" "}
          (<code>{fingerprint}</code>)
        </>
      )}
    </>
  );
}

function PinLink(): JSX.Element {
  return (
    <p>
      <a href="/trust">Pin the key</a> that you were given another way, and it is checked against that.
    </p>
  );
}

/** A message of a check as a sentence of its own. */
export const sentence = (message: string): string =>
  `${message.charAt(0).toUpperCase()}${message.slice(1)}${message.endsWith(".") ? "" : "."}`;
