/** Values of a record before and after a change, as tables of differences. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Value } from "../common/fields";
import { Text } from "../common/text";
import type { Comparison } from "./comparisons";
import type { Change } from "./diff";

const MOST = 100;

/** One comparison. */
export function ComparisonView({ comparison }: { comparison: Comparison }): JSX.Element {
  const { before, after, changes } = comparison;
  const [most, setMost] = useState(MOST);
  return (
    <div>
      <table class="comparison">
        <caption>
          <Text text={before} most={200} /> <span aria-hidden="true">→</span> <span class="read-out">to</span>{" "}
          <Text text={after} most={200} /> <span class="quiet">{countOf(changes)}</span>
        </caption>
        {changes.length > 0 && (
          <>
            <thead>
              <tr>
                <th scope="col">Path</th>
                <th scope="col">Change</th>
                <th scope="col">Before</th>
                <th scope="col">After</th>
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, most).map((change) => (
                <Row key={change.path} change={change} />
              ))}
            </tbody>
          </>
        )}
      </table>
      {changes.length > most && (
        <button type="button" onClick={() => setMost(most + MOST)}>
          show {Math.min(MOST, changes.length - most)} more of {changes.length}
        </button>
      )}
    </div>
  );
}

const SHAPES: Record<Change["kind"], string> = { added: "+", removed: "−", changed: "→" };

function Row({ change }: { change: Change }): JSX.Element {
  return (
    <tr class={`change change-${change.kind}`}>
      <th scope="row">
        {change.path ? <Text text={change.path} most={300} /> : <span class="quiet">whole value</span>}
      </th>
      <td class="change-kind">
        <span aria-hidden="true">{SHAPES[change.kind]}</span> {change.kind}
      </td>
      <td class="change-before">
        {change.kind === "added" ? <span class="quiet">was not there</span> : <Value text={change.before} />}
      </td>
      <td class="change-after">
        {change.kind === "removed" ? <span class="quiet">is not there</span> : <Value text={change.after} />}
      </td>
    </tr>
  );
}

function countOf(changes: readonly Change[]): string {
  if (!changes.length) return "no difference";
  const count = (kind: Change["kind"]) => changes.filter((change) => change.kind === kind).length;
  return (["added", "removed", "changed"] as const)
    .filter((kind) => count(kind))
    .map((kind) => `${count(kind)} ${kind}`)
    .join(", ");
}
