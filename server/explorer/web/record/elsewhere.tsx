/** Checking a record without this page: commands for a terminal. */
import type { JSX } from "preact";
import { Command } from "../common/copy";
import { VerificationError } from "../proof/errors";
import type { Checked } from "./check";
import { checkCommand, hashCommand, type Place, proveCommand } from "./commands";
import { entryDigits } from "./proof_view";

/** The commands for a record. */
export function Elsewhere({ place, checked }: { place: Place; checked?: Checked }): JSX.Element {
  const hash = checked && sqlFor(place, checked);
  return (
    <section class="panel">
      <h2>Check it without this page</h2>
      <p>
        Write a bundle, and check it anywhere: with the command, or by opening the file. It needs no server and no
        network, only the log's public key.
      </p>
      <Command text={proveCommand(place, "record.html")} />
      <Command text={checkCommand("record.html")} />
      {hash && (
        <>
          <p>
            Or hash the stored record with tools that are not Lognotary's. It has to print{" "}
            <code class="text">{entryDigits(checked)}</code>:
          </p>
          <Command text={hash} />
        </>
      )}
    </section>
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
