/** Checking a record without this page: commands for a terminal. */
import type { JSX } from "preact";
import { Command } from "../common/copy";
import { commandOf } from "../common/shell_words";
import { areEqual, hexOf } from "../proof/bytes";
import { VerificationError } from "../proof/errors";
import type { Checked } from "./check";
import { checkCommand, hashCommand, type Place, proveCommand } from "./commands";
import { entryDigits } from "./proof_view";

/** The commands for a record. */
export function Elsewhere({ place, checked }: { place: Place; checked?: Checked }): JSX.Element {
  const hash = checked && sqlFor(place, checked);
  const isChanged = checked?.computedLeaf !== undefined && !areEqual(checked.computedLeaf, checked.saidLeaf);
  return (
    <section class="panel">
      <h2>Check it without this page</h2>
      {isChanged ? (
        <>
          <p>No bundle can prove a record that was changed. This command checks all logs, and names every finding:</p>
          <Command text={commandOf("lognotary", "verify")} />
        </>
      ) : (
        <>
          <p>
            Write a bundle, and check it anywhere: with the command, or by opening the file. It needs no server and no
            network, only the log's public key.
          </p>
          <Command text={proveCommand(place, "record.html")} />
          <Command text={checkCommand("record.html")} />
        </>
      )}
      {hash && (
        <>
          <HashSentence checked={checked} isChanged={isChanged} />
          <Command text={hash} />
          <p class="quiet">
            This is for a storage with a ClickHouse server. One inside the server (<code>chdb://</code>) can be read by{" "}
            <code>lognotary verify --storage</code> while the server is stopped.
          </p>
        </>
      )}
    </section>
  );
}

/** The hash that the command prints: for a changed record, it is another one than the log has. */
function HashSentence({ checked, isChanged }: { checked: Checked; isChanged: boolean }): JSX.Element {
  const { computedLeaf, saidLeaf } = checked;
  const printed = <code class="text">{entryDigits(checked)}</code>;
  if (!computedLeaf || !isChanged) {
    return <p>Or hash the stored record with tools that are not Lognotary's. The command has to print {printed}:</p>;
  }
  return (
    <p>
      Or hash the stored record with tools that are not Lognotary's. If the command prints {printed}, the stored record
      gives the leaf <code class="text">{hexOf(computedLeaf)}</code>, and the log has{" "}
      <code class="text">{hexOf(saidLeaf)}</code>: the record was changed.
    </p>
  );
}

function sqlFor(place: Place, { record }: Checked): string | undefined {
  if (!record) return undefined;
  try {
    return hashCommand(place, record.stream, record.version);
  } catch (error) {
    if (error instanceof VerificationError) return undefined;
    throw error;
  }
}
