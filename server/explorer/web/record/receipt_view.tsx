/** The receipt of an audit record, if its sender asked for one. */

import type { JSX } from "preact";
import { get } from "../api/client";
import { segment } from "../api/segment";
import type { Receipt } from "../api/types";
import { useAnswer } from "../common/answer";
import { Copy } from "../common/copy";
import type { Entry } from "../common/entry";
import { Text } from "../common/text";
import { memberAt } from "../common/value_types";

/** Return whether an entry is an audit record with a receipt, as its signed details say. */
export function hasReceipt(entry: Entry): boolean {
  if (entry.stream !== "audit" || !entry.record.audit?.recordId) return false;
  return memberAt(entry.record.otlpDetails, "audit_integrity") !== undefined;
}

/** The receipt of a record by its audit.record.id. */
export function ReceiptView({ recordId, logId, leaf }: { recordId: string; logId: string; leaf: string }): JSX.Element {
  const path = `/api/v1/receipts/${segment(recordId)}`;
  const answer = useAnswer<Receipt>((signal) => get(path, {}, signal), [path]);
  return (
    <section class="panel">
      <h2>Receipt</h2>
      {answer.state === "waiting" && <p role="status">Loading …</p>}
      {answer.state === "failed" && (
        <p>
          The receipt cannot be shown: <Text text={answer.error.message} />
        </p>
      )}
      {answer.state === "there" && (
        <>
          <dl class="proof-facts">
            <dt>audit.record.id</dt>
            <dd>
              <Text text={answer.value.recordId} />
            </dd>
            <dt>integrity hash</dt>
            <dd>
              <code>{answer.value.integrityHash.slice(0, 16)}…</code>{" "}
              <Copy text={answer.value.integrityHash} of="the integrity hash" />
            </dd>
            <dt>received</dt>
            <dd>{answer.value.sinkTime ?? "not known"}</dd>
          </dl>
          {(answer.value.logId !== logId || answer.value.leafIndex !== leaf) && (
            <p>The receipt is of another leaf: this record was sent again, or its ID was.</p>
          )}
        </>
      )}
    </section>
  );
}
