/** The meaning of each kind of mark beside a record. */
import type { JSX } from "preact";
import { type Mark, SHAPES } from "../common/state_mark";

const MARKS: [Mark["kind"], string, string][] = [
  [
    "checked",
    "checked",
    "This browser hashed the record, followed its proof to the log's root hash, and checked the signature with a key that you pinned. All that pages show of the record is compared with what was signed, and the server proved that its log has the history that this browser keeps.",
  ],
  [
    "uncompared",
    "signed, history not compared",
    "The record fits its signature, by a key that you pinned. But whoever has the key can sign another history, and this one was not compared with what this browser keeps: the server did not prove it, or you may not ask for the proof (that takes the role auditor).",
  ],
  [
    "unpinned",
    "key not pinned",
    "The same, but you pinned no key: only the server says that the key is the right one.",
  ],
  [
    "said",
    "server: verified",
    "The server says that it hashed the record again. This browser has not checked it (yet).",
  ],
  ["signed", "signed", "The server says that the record's batch is signed. Nobody hashed the record again."],
  [
    "unsigned",
    "unsigned",
    "The record is in no signed batch: it is new, was left behind by a crash, or was inserted. Or the server sent no evidence of it.",
  ],
  [
    "expected",
    "not signed, in no log",
    "The record is of a stream that the server does not sign, or a Collector wrote it.",
  ],
  [
    "tampered",
    "tampered, RECORD_CHANGED …",
    "The record, its proof or its log is not what was signed: the server says so, or this browser found it and names the finding as verification does.",
  ],
];

export function MarksSection(): JSX.Element {
  return (
    <section id="marks" aria-labelledby="marks-title">
      <h2 id="marks-title">What the marks mean</h2>
      <dl class="trust-marks">
        {MARKS.map(([kind, word, meaning]) => (
          <div key={kind}>
            <dt class={`state state-${kind}`}>
              <span aria-hidden="true">{SHAPES[kind]}</span> {word}
            </dt>
            <dd>{meaning}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
