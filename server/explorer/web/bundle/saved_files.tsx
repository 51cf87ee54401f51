/** The files of the bundle, to save them. */

import type { JSX } from "preact";
import { shownNumber } from "../common/counted";
import { saveFile } from "../common/saving";
import { plainOf, Text } from "../common/text";
import type { Files } from "./files";

/** The table of files. Saving one needs no request: its bytes are in the page. */
export function SavedFiles({ files }: { files: Files }): JSX.Element {
  return (
    <section class="on-screen" aria-labelledby="files-heading">
      <h2 id="files-heading">Files in this bundle</h2>
      <table class="files">
        <thead>
          <tr>
            <th scope="col">File</th>
            <th scope="col">Bytes</th>
            <th scope="col">Save</th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(files).map(([name, content]) => (
            <tr key={name}>
              <th scope="row" class="mono">
                <Text text={name} most={80} />
              </th>
              <td class="number">{shownNumber(content.length)}</td>
              <td>
                <button type="button" aria-label={`save ${plainOf(name, 80)}`} onClick={() => saveFile(name, content)}>
                  save
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
