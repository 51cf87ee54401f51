/** Limits of what this page proves, and the command beside each. */
import type { JSX } from "preact";
import { Command } from "../common/copy";

export function LimitsSection(): JSX.Element {
  return (
    <section id="limits" aria-labelledby="limits-title">
      <h2 id="limits-title">What this does not prove</h2>
      <h3>The script comes from the server</h3>
      <p>
        The server that shows the records also delivers the script that checks them. A hostile server can deliver a
        script that calls everything checked. So for evidence that has to stand against the server, do not use this
        page: take a program that you got elsewhere, and a key that you got elsewhere.
      </p>
      <Command text="lognotary check BUNDLE --public-key KEY" />
      <p>
        A bundle is also one HTML file: <em>download bundle</em> at a record, or{" "}
        <code>lognotary prove … -o record.html</code>. Whoever keeps it has the record, its proof and the check in one
        file, which needs no server and no network; its script is the one that you saved, and not what a server sends
        tomorrow.
      </p>
      <h3>Records that are not shown</h3>
      <p>
        Each record that is shown is checked alone. This page cannot tell whether a record is missing from an answer:
        somebody may have deleted rows, or the server may leave some out. Verification reads whole logs, from storage
        and without a server:
      </p>
      <Command text="lognotary verify --storage URL --public-key FILE" />
      <h3>What other readers were shown</h3>
      <p>
        This browser compares each log with what it saw itself. A server can show every reader another history, as long
        as nobody compares: save checkpoints, and compare them with what others saved, or with a witness's cosignature.
        Only auditors may ask for the proofs that this takes, so for other readers nothing is compared.
      </p>
      <Command text="lognotary verify --checkpoint FILE" />
      <h3>That the record is true</h3>
      <p>
        A signature shows that a record is what the server received and signed then. It does not show that what a sender
        wrote is true, nor that its times are, nor that nobody else had the key.
      </p>
    </section>
  );
}
