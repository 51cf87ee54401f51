/** The verdict on a record, in words, shape and colour, with what to do. */
import type { ComponentChildren, JSX } from "preact";
import { Text } from "../shared/text";
import type { Checked } from "./check";
import { pinnedName } from "./use_check";

interface VerdictProps {
  kind: "checked" | "unpinned" | "refuted" | "unproved" | "waiting";
  title: string;
  children: ComponentChildren;
}

const SHAPES: Record<VerdictProps["kind"], string> = {
  checked: "✔",
  unpinned: "◐",
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
  const what = entry ? "this is the record that was signed" : "the leaf is in the signed log";
  if (outcome.kind === "refuted") {
    return (
      <Verdict kind="refuted" title={`${outcome.finding}: this is not what was signed`}>
        <p>
          <Text text={outcome.message} />.
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
          <Text text={outcome.message} />.
        </p>
      </Verdict>
    );
  }
  if (outcome.kind === "unpinned") {
    return (
      <Verdict
        kind="unpinned"
        title={entry ? "It fits, but its key is not pinned" : "Only its leaf is left, and its key is not pinned"}
      >
        <p>
          Record, path, root and signature fit together ({size}). But only this server says that the key is the log's:
          whoever runs it could have signed anything. <a href="/trust">Pin the key</a> that you were given another way,
          and it is checked against that.
        </p>
        {!entry && <Expired />}
      </Verdict>
    );
  }
  return (
    <Verdict
      kind="checked"
      title={entry ? "Checked in this browser" : "Its content has expired; the leaf is still proved"}
    >
      <p>
        Computed here, {what}: it leads to the root of a checkpoint of {size}, signed by a key that you pinned,{" "}
        <Text text={pinnedName(outcome.key)} /> (<code>{outcome.key}</code>).
      </p>
      {!entry && <Expired />}
      <p class="quiet">
        This page's script comes from the server. <a href="/trust">What this does not prove</a>
      </p>
    </Verdict>
  );
}

function Expired(): JSX.Element {
  return (
    <p>
      The record's content is no longer stored: it has expired, or was deleted. Whoever kept the record can still prove
      it with this leaf. <code>lognotary verify</code> tells whether its retention permitted that.
    </p>
  );
}
