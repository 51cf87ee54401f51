/** The reference of the query language (docs/query-language.md), as a dialog. */
import type { JSX } from "preact";
import { Dialog } from "../common/dialog";
import { FIELD_NOTES } from "./completion";
import { forgetQueries } from "./recent";

const EXAMPLES: readonly [string, string][] = [
  ["paid", "with this word in the body"],
  ['"order 17 paid"', "with this text in the body"],
  ["order paid", "with both words"],
  ["timeout OR refused", "with at least one of the words"],
  ["payment -test", "with the first word and without the second"],
  ["auth-*", "with a word that begins so"],
  ["*fail*", "with this text, also within words"],
  ["actor:alice action:user.*", "of alice's actions that begin with user."],
  ["action:(login OR logout) outcome:failure", "of logins and logouts that failed"],
  ["severity:>=warn", "of severity WARN and above"],
  ['LogAttributes.http.method:"POST"', "with exactly this attribute"],
  ["http.status_code:[500 TO 599]", "with an attribute in this range; { and } leave the end out"],
  ["k8s.pod.name:*", "with this attribute, whatever its value"],
  ["-exception.type:*", "without this attribute"],
  ["timestamp:[2026-11-01 TO 2026-11-28]", "of these days"],
  ["log:shop/audit/node-1#17", "one leaf of a log"],
  ["evidence:tampered", "that are not what was signed"],
  ["-evidence:verified", "that could not be verified"],
];

export function SyntaxHelp({
  onClose,
  onExample,
}: {
  onClose: () => void;
  onExample: (query: string) => void;
}): JSX.Element {
  return (
    <Dialog title="Queries" onClose={onClose}>
      <p>
        Case does not matter for words. Terms side by side must all match; <code>AND</code>, <code>OR</code> and{" "}
        <code>NOT</code> are in capitals. <code>field:value</code> is the whole value for most fields, and a part of it
        for attributes; <code>field:"value"</code> is always the whole value. Special characters are ordinary ones in
        quotes or after a backslash.
      </p>
      <table>
        <thead>
          <tr>
            <th scope="col">Query</th>
            <th scope="col">finds records</th>
          </tr>
        </thead>
        <tbody>
          {EXAMPLES.map(([query, finds]) => (
            <tr key={query}>
              <td>
                <button type="button" class="as-link mono" onClick={() => onExample(query)}>
                  {query}
                </button>
              </td>
              <td>{finds}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <h3>Fields</h3>
      <dl class="field-notes">
        {Object.entries(FIELD_NOTES).map(([name, note]) => (
          <div key={name}>
            <dt>
              <code>{name}</code>
            </dt>
            <dd>{note}</dd>
          </div>
        ))}
      </dl>
      <p>
        Attributes are <code>LogAttributes.key</code>, <code>ResourceAttributes.key</code>,{" "}
        <code>ScopeAttributes.key</code> and <code>SpanAttributes.key</code>, or just a key with a dot in it.
      </p>
      <p>
        The empty line offers recent queries, which only this browser keeps.{" "}
        <button type="button" onClick={forgetQueries}>
          Forget them
        </button>
      </p>
    </Dialog>
  );
}
