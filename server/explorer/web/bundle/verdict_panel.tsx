/** The verdict on a bundle, in text and shape. */
import type { ComponentChildren, JSX } from "preact";
import { Text } from "../common/text";
import type { ReadRecord } from "../proof/readable";
import type { GivenKeys } from "./given_keys";
import { type Standing, shownSteps } from "./standing";

interface Words {
  readonly kind: string;
  readonly shape: string;
  readonly word: string;
  readonly more: ComponentChildren;
}

/** The verdict, which is read out whenever it changes. */
export function VerdictPanel(props: {
  standing: Standing | undefined;
  record: ReadRecord | undefined;
  given: GivenKeys;
  hasKeyError: boolean;
}): JSX.Element {
  const { kind, shape, word, more } = wordsOf(props);
  return (
    <section class={`verdict verdict-${kind}`} aria-live="polite" aria-label="Verdict">
      <p class="verdict-word">
        <span aria-hidden="true">{shape}</span> {word}
      </p>
      {more}
    </section>
  );
}

function wordsOf({ standing, record, given, hasKeyError }: Parameters<typeof VerdictPanel>[0]): Words {
  if (hasKeyError) {
    return { kind: "waiting", shape: "◌", word: "Not checked", more: <p>What you gave as a key cannot be used.</p> };
  }
  if (!standing) return { kind: "waiting", shape: "◌", word: "Being checked", more: null };
  switch (standing.kind) {
    case "proved":
      return {
        kind: "proved",
        shape: "✔",
        word: "Proved: this record is in the signed log",
        more: <Proof record={record} given={given} />,
      };
    case "unpinned":
      return {
        kind: "unpinned",
        shape: "◐",
        word: "Not proved yet: nobody has checked who signed this",
        more: (
          <p>
            Everything in this file fits together. Anybody can make such a file with a key of their own: give the public
            key of the log's owner below, and this page checks whether that key signed it.
          </p>
        ),
      };
    case "refuted":
      return {
        kind: "refuted",
        shape: "✘",
        word: standing.isPinned ? "Not proved" : "Not proved: this file is damaged or forged",
        more: <Failures standing={standing} />,
      };
  }
}

function Proof({ record, given }: { record: ReadRecord | undefined; given: GivenKeys }): JSX.Element {
  const witnesses = given.witnesses.length;
  return (
    <p>
      The record below is entry {String(record?.leafIndex)} of the log <Text text={record?.origin ?? ""} />, as the
      owner of the key that you gave signed it
      {witnesses > 0 && `, and as ${witnesses === 1 ? "the witness" : `all ${witnesses} witnesses`} cosigned it`}.
    </p>
  );
}

function Failures({ standing }: { standing: Standing }): JSX.Element {
  const failed = shownSteps(standing).filter(({ state }) => state === "fails");
  return (
    <>
      <ul class="failures">
        {failed.map(({ name, detail }) => (
          <li key={name}>
            <strong>{name}</strong>: <Text text={detail} />
          </li>
        ))}
      </ul>
      <p>Do not rely on this record.</p>
    </>
  );
}
