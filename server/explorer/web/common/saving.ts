/** Files that the reader saves. */

/**
 * Save a file. It has no type of its own, whatever it is called: a browser must not show it in place of the page.
 *
 * @param name its name; slashes, as in names of a bundle's files, become dashes
 * @param content text, or bytes
 */
export function saveFile(name: string, content: string | Uint8Array): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type: "application/octet-stream" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name.replaceAll("/", "-");
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Name of a file for a checkpoint of a log. */
export const checkpointFile = (logId: string, size: bigint | string): string => `${logId}-${size}.checkpoint`;
