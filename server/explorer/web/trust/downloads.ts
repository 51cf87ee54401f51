/** Files that the reader saves. */

/** Save a text as a file. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** Name of a file for a checkpoint of a log. */
export const checkpointFile = (logId: string, size: bigint | string): string => `${logId}-${size}.checkpoint`;
