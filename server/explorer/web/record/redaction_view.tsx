/** Values that redaction took from a record before it was signed, and those that can be disclosed. */
import type { JSX } from "preact";
import { Command } from "../common/copy";
import { commandWith } from "../common/shell_words";
import { Text } from "../common/text";
import type { Place } from "./commands";
import type { RedactionReport } from "./signed_record";

/** The report of a record; nothing if there is nothing to report. */
export function RedactionView({ report, place }: { report: RedactionReport; place: Place }): JSX.Element | null {
  const { counts, commitments, ofSender } = report;
  if (!counts.length && !commitments.length && !ofSender) return null;
  return (
    <section class="panel">
      <h2>What redaction took</h2>
      <p class="quiet">
        These values were replaced before the record was signed, so the signed record never had them. The numbers are
        signed with it.
      </p>
      {counts.length > 0 && (
        <table class="redactions">
          <thead>
            <tr>
              <th scope="col">Rule</th>
              <th scope="col">Values replaced</th>
            </tr>
          </thead>
          <tbody>
            {counts.map(([rule, count]) => (
              <tr key={rule}>
                <th scope="row">
                  <Text text={rule} most={200} />
                </th>
                <td>
                  <Text text={count} most={200} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {commitments.length > 0 && (
        <>
          <h3>
            {commitments.length === 1 ? "1 value" : `${commitments.length} values`} that may be disclosed, until erased
          </h3>
          <ul>
            {commitments.map(({ rule, digits }) => (
              <li key={digits}>
                <Text text={rule} /> <span class="quiet">commitment</span>{" "}
                <code title={digits}>{digits.slice(0, 16)}…</code>
              </li>
            ))}
          </ul>
          <p>Readers who may see them get each value and its place with:</p>
          <Command text={commandWith(["lognotary", "disclose"], `${place.origin}#${place.leaf}`)} />
        </>
      )}
      {ofSender > 0 && (
        <p>
          {ofSender === 1 ? "1 text looks" : `${ofSender} texts look`} like a commitment, but the sender wrote{" "}
          {ofSender === 1 ? "it" : "them"}: nothing can be disclosed for {ofSender === 1 ? "it" : "them"}.
        </p>
      )}
    </section>
  );
}
