/** Requests of exports, and the commands that do the same; pure. */
import { pathOf } from "../api/client";
import { commandOf } from "../common/shell_words";
import { fieldsOfSearch, type Search } from "./query";

export interface ExportRequest {
  readonly search: Search;
  readonly format: string;
  /** Names separated by commas; empty for all. */
  readonly columns: string;
}

/** Formats, which are also the ends of files' names. */
export const FORMATS: Readonly<Record<string, string>> = {
  ndjson: "NDJSON: a JSON object per line",
  csv: "CSV: for spreadsheets",
  parquet: "Parquet",
  arrow: "Arrow IPC stream",
  ocsf: "OCSF: audit events for a SIEM",
};

/** A sentence that says why the server would refuse a request; empty if it would not. */
export function refusal({ search, format }: ExportRequest): string {
  if (format !== "ocsf" || search.streams.join() === "audit") return "";
  return "OCSF has no class for logs and spans: search in audit records only, or choose another format.";
}

const namesOf = (columns: string): string[] =>
  columns
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean);

/** The path of a download, whose manifest has a name that this page made up. */
export function exportPath({ search, format, columns }: ExportRequest, manifest: string): string {
  return pathOf("/api/v1/export", { ...fieldsOfSearch(search), format, columns: namesOf(columns), manifest });
}

/** The path of a manifest. */
export const manifestPath = (name: string): string => `/api/v1/export-manifests/${name}`;

/** The name that the server gives the file of a download. */
export const exportName = ({ format }: Pick<ExportRequest, "format">): string => `lognotary-export.${format}`;

/** Commands that export, one for each file, and the command that checks what was downloaded. */
export function exportCommands(request: ExportRequest): { exports: string[]; check: string } {
  const { search, format, columns } = request;
  // The command line exports audit events and logs together, or one stream.
  const together = search.streams.join() === "audit,operational";
  const parts = together ? [search] : search.streams.map((stream) => ({ ...search, streams: [stream] }));
  const exports = parts.map((part) => {
    const file = together || parts.length === 1 ? exportName(request) : `lognotary-${part.streams.join()}.${format}`;
    const words = ["lognotary", "export"];
    if (!together) words.push("--stream", ...part.streams);
    if (part.since) words.push("--since", part.since);
    if (part.until) words.push("--until", part.until);
    if (namesOf(columns).length) words.push("--columns", namesOf(columns).join(","));
    words.push("--format", format, "-o", file, "--manifest", `${file}.manifest`);
    if (part.query) words.push("--", part.query); // a query may begin with a minus
    return commandOf(...words);
  });
  const file = exportName(request);
  return {
    exports,
    check: commandOf("lognotary", "check", file, `${file}.manifest`, "--public-key", "public-key.pem"),
  };
}

/** A name that nobody guesses: 32 hexadecimal digits. */
export function newName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
