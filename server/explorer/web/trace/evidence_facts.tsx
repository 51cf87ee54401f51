/** Evidence of a whole trace: what the server says, and what this browser checked itself. */
import type { ComponentChildren, JSX } from "preact";
import { counted, shownNumber } from "../common/counted";
import { type Mark, SHAPES } from "../common/state_mark";
import type { CheckOfAll } from "./check_all";
import { Fact } from "./fact";
import type { EvidenceWord, Summary } from "./summary";
import type { TraceView } from "./view";

/** Mark and sentence of each word. */
const WORDS: Record<EvidenceWord, { kind: Mark["kind"]; said: string }> = {
  tampered: { kind: "tampered", said: "tampered with" },
  unsigned: { kind: "unsigned", said: "unsigned" },
  "in no log": {
    kind: "expected",
    said: "in no signed log: anyone who can write to storage may have added them",
  },
  "not signed": { kind: "expected", said: "unsigned: their stream is not signed (signed_streams)" },
  signed: { kind: "signed", said: "signed; not hashed again" },
  verified: { kind: "said", said: "verified" },
};

export function EvidenceFacts({ summary, check, view }: Props): JSX.Element {
  return (
    <>
      <Fact name="Server says">
        {summary.evidence.map(({ word, count }) => (
          <Counted key={word} kind={WORDS[word].kind}>
            {shownNumber(count)} {WORDS[word].said}
          </Counted>
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

/** A number of entries, with the mark that they have in lists. */
function Counted({ kind, children }: { kind: Mark["kind"]; children: ComponentChildren }): JSX.Element {
  return (
    <span class={`state state-${kind}`}>
      <span aria-hidden="true">{SHAPES[kind]}</span> {children}
    </span>
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
      {tally.refuted > 0 && <Counted kind="tampered">{counted(tally.refuted, "entry", "entries")} refuted</Counted>}
      {refuted.length > 0 && (
        <button type="button" class="trace-chip trace-chip-error" onClick={() => view.jump("unproved entry", 1)}>
          show next <kbd>u</kbd>
        </button>
      )}
      {tally.checked > 0 && <Counted kind="checked">{shownNumber(tally.checked)} checked</Counted>}
      {tally.uncompared > 0 && (
        <Counted kind="uncompared">{shownNumber(tally.uncompared)} signed, history not compared</Counted>
      )}
      {tally.unpinned > 0 && (
        <Counted kind="unpinned">
          {shownNumber(tally.unpinned)} fit their signature, by a <a href="/trust">key that is not pinned</a>
        </Counted>
      )}
      {tally.unproved > 0 && <Counted kind="expected">{shownNumber(tally.unproved)} without a proof</Counted>}
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
            check the other {shownNumber(tally.waiting)}
          </button>
        )
      )}
    </>
  );
}
