/** The verdict on a record, in words, shape and colour, with what to do. */

import type { ComponentChildren, JSX } from "preact";
import { readableStreams } from "../app/session";
import { shownNumber } from "../common/counted";
import { SHAPES as MARKS } from "../common/state_mark";
import { Text } from "../common/text";
import { streamOf } from "../proof/columns";
import { VerificationError } from "../proof/errors";
import type { Checked } from "./check";
import { pinnedName } from "./use_check";

interface VerdictProps {
  kind: "checked" | "uncompared" | "unpinned" | "gone" | "refuted" | "unproved" | "waiting";
  title: string;
  children: ComponentChildren;
}

/** The shape of each verdict: that of the mark beside a record if there is one of this meaning, else one of its own. */
export const SHAPES: Record<VerdictProps["kind"], string> = {
  checked: MARKS.checked,
  uncompared: MARKS.uncompared,
  unpinned: MARKS.unpinned,
  refuted: MARKS.tampered,
  gone: "∅",
  unproved: "?",
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

interface CheckProps {
  checked: Checked;
  /** Names of what this page shows otherwise than the record that was signed. */
  difference?: string;
  /** True if the server shows a row of this leaf. */
  hasRow: boolean;
}

/** The verdict of a check. */
export function CheckVerdict({ checked, difference, hasRow }: CheckProps): JSX.Element {
  const { outcome, entry, checkpoint } = checked;
  const size = `${shownNumber(checkpoint.size)} ${checkpoint.size === 1n ? "entry" : "entries"}`;
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
          The server's answer differs from the signed record in <Text text={difference} />. The signed record is below,
          as this browser read it.
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
    outcome.kind === "checked" || outcome.kind === "uncompared" ? (
      <>
        a key that you pinned, <PinnedKey fingerprint={outcome.key} />
      </>
    ) : (
      "a key that only this server names"
    );
  if (!entry && hasRow) {
    return (
      <Verdict kind="unproved" title="The server did not send the record that was hashed">
        <p>
          It shows a row of this leaf. Nothing shows that this row is what was signed: only the leaf is proved, by a
          checkpoint of {size}, and a leaf is a hash. <code>lognotary verify</code> checks the stored row.
        </p>
      </Verdict>
    );
  }
  if (!entry) {
    const isReadable = mayRead(checkpoint.origin);
    const title = isReadable
      ? "The server does not send its content; its leaf is proved"
      : "Your roles do not permit you to read this record; its leaf is proved";
    return (
      <Verdict kind="gone" title={title}>
        <p>
          The leaf leads to the root of a checkpoint of {size}, signed by {key}. Whoever kept the record can prove it
          with this leaf.
          {isReadable && (
            <>
              {" "}
              The server says that it has expired or was deleted. <code>lognotary verify</code> tells whether the log's
              retention permitted that.
            </>
          )}
        </p>
        {outcome.kind === "unpinned" && <PinLink />}
        {outcome.kind === "uncompared" && <NotCompared reason={outcome.reason} />}
      </Verdict>
    );
  }
  if (outcome.kind === "uncompared") {
    return (
      <Verdict kind="uncompared" title="Signed, but its history was not compared">
        <p>
          This browser's computation shows that this is a signed record: it leads to the root of a checkpoint of {size},
          signed by {key}.
        </p>
        <NotCompared reason={outcome.reason} />
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
        This browser's computation shows that this is the signed record: it leads to the root of a checkpoint of {size},
        signed by {key}.
      </p>
      <p class="quiet">
        This page's script comes from the server. <a href="/trust">What this does not prove</a>
      </p>
    </Verdict>
  );
}

/** Return whether the reader's roles permit to read a log; true if its name does not say what is in it. */
function mayRead(origin: string): boolean {
  try {
    return readableStreams().includes(streamOf(origin));
  } catch (error) {
    if (error instanceof VerificationError) return true;
    throw error;
  }
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

function NotCompared({ reason }: { reason: string }): JSX.Element {
  return (
    <p>
      Nothing proves that its log has the history that this browser keeps: <Text text={reason} />. Whoever has the key
      can sign more than one.
    </p>
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
