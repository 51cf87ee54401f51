/** The export of a whole answer: a file that streams to disk, and the manifest that the server signs. */
import type { JSX } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Command } from "../common/copy";
import { Dialog } from "../common/dialog";
import { Text } from "../common/text";
import { exportCommands, exportName, exportPath, FORMATS, newName, refusal } from "./export_request";
import { ManifestLine } from "./manifest_line";
import type { Search } from "./query";

export function ExportDialog({ search, onClose }: { search: Search; onClose: () => void }): JSX.Element {
  const [format, setFormat] = useState("ndjson");
  const [columns, setColumns] = useState("");
  // Each download has a manifest of its own; a new name also begins a new line for it.
  const [name, setName] = useState(newName);
  const [begun, setBegun] = useState<string>();
  const request = useMemo(
    () => ({ search, format, columns: format === "ocsf" ? "" : columns }),
    [search, format, columns],
  );
  const problem = refusal(request);
  const file = exportName(request);
  const { exports, check } = exportCommands(request);
  return (
    <Dialog title="Export the whole answer" onClose={onClose}>
      <dl class="export-facts">
        <dt>Query</dt>
        <dd class="mono">{search.query ? <Text text={search.query} /> : "all records"}</dd>
        <dt>Streams</dt>
        <dd>{search.streams.join(", ")}</dd>
        <dt>Range</dt>
        <dd>
          {search.since ?? "the first record"} to {search.until ?? "the last record"}
        </dd>
      </dl>
      <div class="export-choices">
        <label>
          Format{" "}
          <select value={format} onChange={(event) => setFormat(event.currentTarget.value)}>
            {Object.entries(FORMATS).map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </label>
        {format !== "ocsf" && (
          <label>
            Columns{" "}
            <input
              class="mono"
              value={columns}
              placeholder="all, or Timestamp,ServiceName,Body"
              onInput={(event) => setColumns(event.currentTarget.value)}
            />
          </label>
        )}
      </div>
      {problem ? (
        <p class="notice notice-warning" role="status">
          {problem}
        </p>
      ) : (
        <p>
          <a
            class="button primary"
            href={exportPath(request, name)}
            download={file}
            onClick={() => {
              setBegun(name);
              // The browser follows the link only after this, so its name must not change before.
              setTimeout(() => setName(newName()));
            }}
          >
            Download {file}
          </a>
        </p>
      )}
      {begun !== undefined && <ManifestLine key={begun} name={begun} file={file} />}
      <p>
        The file has every record that was verified, however many there are. Those that are not what was signed, or were
        never signed, are left out, and the manifest counts them. The manifest is signed with the server's key: this
        checks both files on any machine, without a server.
      </p>
      <Command text={check} />
      <p>The command line does all of it at once:</p>
      {exports.map((command) => (
        <Command key={command} text={command} />
      ))}
    </Dialog>
  );
}
