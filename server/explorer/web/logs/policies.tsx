/** Policies: how long records are kept, and legal holds. */
import type { JSX } from "preact";
import type { Hold, Retention } from "../api/types";
import { searchPath } from "../app/routes";
import { counted } from "../common/counted";
import { Moment } from "../common/moment";
import { termOf } from "../common/terms";
import { Text } from "../common/text";

const days = (number: number): string => (number ? counted(number, "day") : "forever");

/** Retention of each stream, with its rules in the order in which they are tried. */
export function RetentionTable({ retention }: { retention: Retention }): JSX.Element {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">stream</th>
            <th scope="col">records that match</th>
            <th scope="col">are kept for</th>
            <th scope="col">the logs sign</th>
          </tr>
        </thead>
        <tbody>
          {retention.streams.map(({ stream, days: number, rules, shortestDays }) => (
            <>
              {rules.map((rule, index) => (
                <tr key={`${stream} ${index}`}>
                  <th scope="row">{stream}</th>
                  <td>
                    <Text
                      text={[
                        rule.category && `category ${rule.category}`,
                        rule.service && `service ${rule.service}`,
                        rule.attribute,
                      ]
                        .filter(Boolean)
                        .join(", ")}
                    />
                  </td>
                  <td>{days(rule.days)}</td>
                  <td />
                </tr>
              ))}
              <tr key={stream}>
                <th scope="row">{stream}</th>
                <td>{rules.length ? "no rule: the default" : "all: the default"}</td>
                <td>{days(number)}</td>
                <td>{days(shortestDays)}</td>
              </tr>
            </>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Legal holds: those in force first. */
export function HoldTable({ holds }: { holds: readonly Hold[] }): JSX.Element {
  if (!holds.length) return <p>There is no legal hold, and there was none.</p>;
  const ordered = [...holds.filter(({ released }) => !released), ...holds.filter(({ released }) => released)];
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">hold</th>
            <th scope="col">keeps</th>
            <th scope="col">added</th>
            <th scope="col">released</th>
          </tr>
        </thead>
        <tbody>
          {ordered.map((hold) => (
            <tr key={hold.name}>
              <th scope="row">
                <a href={searchPath(`event:lognotary.policy.change ${termOf("target", hold.name)}`)}>
                  <Text text={hold.name} most={200} />
                </a>
              </th>
              <td>
                <Text text={scopeText(hold)} />
              </td>
              <td>
                <Act act={hold.added} />
              </td>
              <td>{hold.released ? <Act act={hold.released} /> : <strong>in force</strong>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Act({ act }: { act: Hold["added"] }): JSX.Element | null {
  if (!act) return null;
  return (
    <>
      <Moment at={act.time} /> by <Text text={act.actor || act.caller} most={200} />:{" "}
      <Text text={act.reason} most={500} />
    </>
  );
}

/** Records that a hold keeps, in words. */
function scopeText({ scope }: Hold): string {
  const parts = [
    scope?.stream && `stream ${scope.stream}`,
    scope?.service && `service ${scope.service}`,
    scope?.actor && `actor ${scope.actor}`,
    scope?.traceId && `trace ${scope.traceId}`,
    scope?.category && `category ${scope.category}`,
    scope?.since && `since ${scope.since}`,
    scope?.until && `until ${scope.until}`,
  ].filter(Boolean);
  return parts.length ? parts.join(", ") : "all records";
}
