/** A record that was found, or what is left of it: verdict, fields, differences, redaction, proof. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { zone } from "../app/preferences";
import type { Entry } from "../common/entry";
import { titleOf } from "../common/entry";
import { fieldGroupsOf } from "../common/field_list";
import { Fields, FieldTable } from "../common/fields";
import { Text } from "../common/text";
import { shownTime, zoneName } from "../common/time";
import type { ReadRecord } from "../proof/readable";
import { verdictOf } from "../trust/entries";
import { Actions, FieldLinks, Related } from "./actions";
import type { Checked, Wanted } from "./check";
import { Claims } from "./claims";
import type { Place } from "./commands";
import { comparisonsOf, MOST_COMPARISONS } from "./comparisons";
import { ComparisonView } from "./diff_view";
import { Elsewhere } from "./elsewhere";
import type { Found } from "./load";
import { ProofView } from "./proof_view";
import { hasReceipt, ReceiptView } from "./receipt_view";
import { RedactionView } from "./redaction_view";
import { differenceFromProof } from "./same_record";
import { columnsOfRecord, type RedactionReport, redactionsOf } from "./signed_record";
import { type CheckState, useCheck } from "./use_check";
import { CheckVerdict, sentence, Verdict } from "./verdict_view";

interface RecordProps {
  found: Extract<Found, { kind: "found" }>;
  wanted: Wanted;
}

/** The record, or its leaf alone. */
export function RecordView({ found, wanted }: RecordProps): JSX.Element {
  const { claims, proof, problem } = found;
  const [entry, setEntry] = useState(claims[0]);
  const check = useCheck(proof, wanted);
  const checked = check.state === "done" ? check.checked : undefined;
  const origin = checked?.checkpoint.origin ?? found.origin ?? wanted.logId;
  const place: Place = { origin, ...wanted };
  const redactions = useMemo(() => checked?.record && redactionsOf(checked.record), [checked]);
  return (
    <>
      <Heading entry={entry} place={place} />
      <Judgement found={found} wanted={wanted} entry={entry} check={check} />
      <Actions
        place={place}
        entry={entry}
        hasBundle={entry !== undefined && checked !== undefined && isWhole(checked) && problem?.kind !== "limited"}
      />
      {entry && <Related entry={entry} place={place} />}
      {claims.length > 1 && entry && <Claims claims={claims} chosen={entry} wanted={wanted} onChoose={setEntry} />}
      <div class={entry ? "record-columns" : undefined}>
        <div>
          {entry && <Differences entry={entry} />}
          {redactions && <RedactionView report={redactions} place={place} />}
          {entry && (
            <section class="panel">
              <h2>Fields</h2>
              <Fields
                entry={entry}
                actions={(field, value) => <FieldLinks field={field} value={value} stream={entry.stream} />}
              />
            </section>
          )}
          {checked?.record && <SignedRecord record={checked.record} made={redactions?.commitments ?? []} />}
          {entry && hasReceipt(entry) && entry.stream === "audit" && (
            <ReceiptView recordId={entry.record.audit?.recordId ?? ""} {...wanted} />
          )}
        </div>
        <div>
          {checked && (
            <section class="panel">
              <h2>Proof</h2>
              <ProofView checked={checked} isLimited={problem?.kind === "limited"} />
            </section>
          )}
          <Elsewhere place={place} checked={checked} />
        </div>
      </div>
    </>
  );
}

/** Return whether the server can make a bundle: it makes none of a record that is not what was signed. */
const isWhole = ({ outcome, entry }: Checked): boolean => outcome.kind !== "refuted" && entry !== undefined;

function Heading({ entry, place }: { entry: Entry | undefined; place: Place }): JSX.Element {
  const time = entry && shownTime(entry.nanos, zone.value);
  return (
    <>
      <h1>{entry ? <Text text={titleOf(entry)} most={200} /> : `Leaf ${place.leaf}`}</h1>
      <p class="record-place">
        {entry && <strong class={`stream-${entry.stream}`}>{STREAMS[entry.stream]}</strong>}{" "}
        {entry && time && (
          <>
            {time.date} {time.time} {zoneName(entry.nanos, zone.value)} ·{" "}
            {entry.service && (
              <>
                <Text text={entry.service} most={200} /> ·{" "}
              </>
            )}
          </>
        )}
        <code class="text">
          <Text text={`${place.origin}#${place.leaf}`} />
        </code>
      </p>
    </>
  );
}

const STREAMS: Record<Entry["stream"], string> = { audit: "audit event", operational: "log record", spans: "span" };

interface JudgementProps {
  found: RecordProps["found"];
  wanted: Wanted;
  entry: Entry | undefined;
  check: CheckState;
}

/** The verdict on the row that is shown: what this browser found out, and else what the server says. */
function Judgement({ found, wanted, entry, check }: JudgementProps): JSX.Element {
  const { claims, proof, problem } = found;
  const checked = check.state === "done" ? check.checked : undefined;
  const difference = useMemo(
    () => entry && checked && differenceFromProof(entry, checked, wanted),
    [entry, checked, wanted],
  );
  const seen = entry && verdictOf(entry).value;
  if (problem?.kind === "altered") {
    return (
      <Verdict kind="refuted" title="BATCH_ALTERED: the server says that its log is not what was signed">
        <p>
          <Text text={sentence(problem.message)} />
        </p>
        <p>
          <code>lognotary verify</code> names every finding.
        </p>
      </Verdict>
    );
  }
  if (!proof) {
    return (
      <Verdict kind="unproved" title="The server sent no proof">
        <p>
          {entry?.evidence?.reason ? (
            <Text text={entry.evidence.reason} />
          ) : (
            "Proofs are for readers with the role auditor"
          )}
          . The server says: {entry?.evidence?.state.toLowerCase() ?? "nothing"}.
        </p>
      </Verdict>
    );
  }
  // Without a proof, the order of the claims says nothing about them.
  if (entry && entry !== claims[0]) return <OtherClaim entry={entry} />;
  // The mark of the row compares more, such as the root hash with one that this browser saw before at this size.
  if (check.state === "waiting" || seen?.kind === "waiting") {
    return (
      <Verdict kind="waiting" title="Being checked in this browser">
        <p role="status">Hashes and signatures are computed …</p>
      </Verdict>
    );
  }
  if (check.state === "refused") {
    return (
      <Verdict kind="refuted" title={`${check.finding}: the proof does not hold`}>
        <p>
          <Text text={sentence(check.message)} />
        </p>
      </Verdict>
    );
  }
  if (check.state === "failed") {
    return (
      <Verdict kind="unproved" title="It could not be checked here">
        <p>
          <Text text={sentence(check.message)} />
        </p>
      </Verdict>
    );
  }
  if (seen?.kind === "refuted" && check.checked.outcome.kind !== "refuted") {
    return (
      <Verdict kind="refuted" title={`${seen.finding}: this is not what was signed`}>
        <p>
          <Text text={sentence(seen.message)} />
        </p>
      </Verdict>
    );
  }
  return (
    <>
      <CheckVerdict checked={check.checked} difference={difference} hasRow={entry !== undefined} />
      {problem?.kind === "limited" && (
        <p class="quiet">
          Without the role auditor, this is proved against the checkpoint of its batch alone: witnesses, timestamps, key
          changes and bundles are not shown.
        </p>
      )}
    </>
  );
}

function OtherClaim({ entry }: { entry: Entry }): JSX.Element {
  return (
    <Verdict kind="refuted" title="This row is not the record that was signed at this leaf">
      <p>
        The server says: {entry.evidence?.state.toLowerCase()}
        {entry.evidence?.reason && (
          <>
            , <Text text={entry.evidence.reason} />
          </>
        )}
        . The proof below is of the first row.
      </p>
    </Verdict>
  );
}

function Differences({ entry }: { entry: Entry }): JSX.Element | null {
  const comparisons = useMemo(() => {
    const fields = fieldGroupsOf(entry).flatMap((group) => group.fields);
    return comparisonsOf(fields.map(({ name, values }) => ({ name, value: values.at(-1) ?? "" })));
  }, [entry]);
  if (!comparisons.length) return null;
  return (
    <section class="panel">
      <h2>Before and after</h2>
      {comparisons.map((comparison) => (
        <ComparisonView key={`${comparison.before} ${comparison.after}`} comparison={comparison} />
      ))}
      {comparisons.length >= MOST_COMPARISONS && (
        <p class="quiet">Only the first {MOST_COMPARISONS} pairs of values are compared.</p>
      )}
    </section>
  );
}

interface SignedRecordProps {
  record: ReadRecord;
  made: RedactionReport["commitments"];
}

function SignedRecord({ record, made }: SignedRecordProps): JSX.Element {
  const [isOpen, setOpen] = useState(false);
  return (
    <details class="panel" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The canonical record, as this browser read it from the bytes that were hashed</summary>
      {isOpen && <FieldTable group={columnsOfRecord(record)} made={new Set(made.map(({ digits }) => digits))} />}
    </details>
  );
}
