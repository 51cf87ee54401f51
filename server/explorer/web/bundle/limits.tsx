/** The limits of what this page proves, and the command that says the same without its script. */
import type { JSX } from "preact";
import { Command } from "../common/copy";
import { commandOf } from "../common/shell_words";
import type { Files } from "./files";

/** The section, for a page in a file of this name. */
export function Limits({ fileName, files }: { fileName: string; files: Files }): JSX.Element {
  const safe = fileName.startsWith("-") ? `./${fileName}` : fileName;
  return (
    <section aria-labelledby="limits-heading">
      <h2 id="limits-heading">What this does not prove</h2>
      <p>
        <strong>That this page is honest.</strong> Whoever made this file also wrote the script in it, and a forger can
        write one that says "proved" to anything. Compare with a program that does not come with the file:
      </p>
      <Command text={commandOf("lognotary", "check", safe, "--public-key", "public-key.pem")} />
      <p>
        It reads only the bundle in this file, and runs none of its script. Lognotary's <code>check.py</code> does the
        same on its own, with Python and the package <code>cryptography</code>.
      </p>
      <ul>
        <li>That what the record says is true, or its times: they come from the sender and the server.</li>
        <li>That nobody else had the key.</li>
        <li>That the log shows everybody the same history, unless a witness that you trust cosigned the checkpoint.</li>
        <li>That the record is still stored, or what happened to its log after the checkpoint.</li>
        {"timestamp.tsr" in files && <li>The time of the timestamp, which this page does not check.</li>}
      </ul>
    </section>
  );
}
