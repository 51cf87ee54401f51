/** Evidence of a whole trace: what the server says, and what this browser checked itself. */
import type { JSX } from "preact";
import { counted } from "../common/counted";
import { SHAPES } from "../common/state_mark";
import type { CheckOfAll } from "./check_all";
import { Fact } from "./fact";
import type { EvidenceWord, Summary } from "./summary";
import type { TraceView } from "./view";

/** Shape, class and sentence of each word; shapes are those of the marks at the entries. */
const WORDS: Record<EvidenceWord, { shape: string; kind: string; said: string }> = {
  tampered: { shape: "✘", kind: "tampered", said: "tampered with" },
  unsigned: { shape: "▢", kind: "unsigned", said: "unsigned" },
  "in no log": {
    shape: "·",
    kind: "expected",
    said: "in no signed log: anyone who can write to storage may have added them",
  },
  "not signed": { shape: "·", kind: "expected", said: "unsigned: their stream is not signed (signed_streams)" },
  signed: { shape: "✎", kind: "signed", said: "signed; not hashed again" },
  verified: { shape: "○", kind: "said", said: "verified" },
};

export function EvidenceFacts({ summary, check, view }: Props): JSX.Element {
  return (
    <>
      <Fact name="Server says">
        {summary.evidence.map(({ word, count }) => (
          <span key={word} class={`state state-${WORDS[word].kind}`}>
            <span aria-hidden="true">{WORDS[word].shape}</span> {count.toLocaleString("en")} {WORDS[word].said}
          </span>
        ))}
        {summary.evidence.some(({ word }) => word === "tampered" || word === "unsigned") && (
          <button type="button" class="trace-chip trace-chip-error" onClick={() => view.jump("unproved entry", 1)}>
            show next <kbd>u</kbd>
          </button>
        )}
      </Fact>
      <Fact name="This browser">
        <OwnCheck check={check} view={view} />
      </Fact>
    </>
  );
}

interface Props {
  summary: Summary;
  check: CheckOfAll;
  view: TraceView;
}

function OwnCheck({ check, view }: { check: CheckOfAll; view: TraceView }): JSX.Element {
  const { tally, isRunning, refuted } = check;
  if (!tally) {
    return (
      <>
        checks the rows in view{" "}
        <button type="button" onClick={check.start}>
          check all
        </button>
      </>
    );
  }
  const all = tally.waiting + tally.checked + tally.uncompared + tally.unpinned + tally.unproved + tally.refuted;
  return (
    <>
      {tally.refuted > 0 && (
        <span class="state state-tampered">
          <span aria-hidden="true">✘</span> {counted(tally.refuted, "entry", "entries")} refuted
        </span>
      )}
      {refuted.length > 0 && (
        <button type="button" class="trace-chip trace-chip-error" onClick={() => view.jump("unproved entry", 1)}>
          show next <kbd>u</kbd>
        </button>
      )}
      {tally.checked > 0 && (
        <span class="state state-checked">
          <span aria-hidden="true">✔</span> {tally.checked.toLocaleString("en")} checked
        </span>
      )}
      {tally.uncompared > 0 && (
        <span class="state state-uncompared">
          <span aria-hidden="true">{SHAPES.uncompared}</span> {tally.uncompared.toLocaleString("en")} signed, history
          not compared
        </span>
      )}
      {tally.unpinned > 0 && (
        <span class="state state-unpinned">
          <span aria-hidden="true">{SHAPES.unpinned}</span> {tally.unpinned.toLocaleString("en")} fit their signature,
          by a <a href="/trust">key that is not pinned</a>
        </span>
      )}
      {tally.unproved > 0 && (
        <span class="state state-expected">
          <span aria-hidden="true">·</span> {tally.unproved.toLocaleString("en")} without a proof
        </span>
      )}
      {isRunning ? (
        <>
          <progress aria-label="Checked entries" max={all} value={all - tally.waiting} />
          <button type="button" onClick={check.stop}>
            stop
          </button>
        </>
      ) : (
        tally.waiting > 0 && (
          <button type="button" onClick={check.start}>
            check the other {tally.waiting.toLocaleString("en")}
          </button>
        )
      )}
    </>
  );
}
