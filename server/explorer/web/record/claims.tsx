/** Rows that claim one leaf: at most one of them is the record that was signed there. */
import type { JSX } from "preact";
import { zone } from "../app/preferences";
import { Notice } from "../common/answer";
import { type Entry, titleOf } from "../common/entry";
import { StateMark } from "../common/state_mark";
import { Text } from "../common/text";
import { shownTime } from "../common/time";
import type { Wanted } from "./check";

interface ClaimsProps {
  claims: readonly Entry[];
  chosen: Entry;
  wanted: Wanted;
  onChoose: (claim: Entry) => void;
}

/** All claims with their states; the reader chooses which one the page shows. */
export function Claims({ claims, chosen, wanted, onChoose }: ClaimsProps): JSX.Element {
  return (
    <section class="panel">
      <h2>{claims.length} rows claim this leaf</h2>
      <Notice kind="warning">
        A leaf has one record. At most one of these rows is what was signed; somebody copied or inserted the others.
      </Notice>
      <table class="claims">
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Time</th>
            <th scope="col">Record</th>
            <th scope="col">SHA-256</th>
            <th scope="col">Shown</th>
          </tr>
        </thead>
        <tbody>
          {claims.map((claim, at) => (
            <tr key={at}>
              <td>
                <StateMark entry={claim} place={{ kind: "log", id: wanted.logId, leaf: wanted.leaf }} />
                {claim.evidence?.reason && (
                  <div class="quiet">
                    <Text text={claim.evidence.reason} />
                  </div>
                )}
              </td>
              <td>{shownTime(claim.nanos, zone.value).time}</td>
              <td>
                <Text text={titleOf(claim)} most={200} />
              </td>
              <td>
                <code>{claim.evidence?.recordHash.slice(0, 12)}…</code>
              </td>
              <td>
                <button type="button" aria-pressed={claim === chosen} onClick={() => onChoose(claim)}>
                  {claim === chosen ? "shown" : "show"}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
