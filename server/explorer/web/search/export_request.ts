/** Requests of exports, and the commands that do the same; pure. */
import { pathOf } from "../api/client";
import { commandOf } from "../shared/shell_words";
import { fieldsOfSearch, type Search } from "./query";

export interface ExportRequest {
  readonly search: Search;
  readonly format: string;
  /** Names separated by commas; empty for all. */
  readonly columns: string;
}

/** Formats, with the end of a file's name. */
export const FORMATS: Readonly<Record<string, { text: string; suffix: string }>> = {
  ndjson: { text: "NDJSON: a JSON object per line", suffix: "ndjson" },
  csv: { text: "CSV: for spreadsheets", suffix: "csv" },
  parquet: { text: "Parquet", suffix: "parquet" },
  arrow: { text: "Arrow IPC stream", suffix: "arrow" },
  ocsf: { text: "OCSF: audit events for a SIEM", suffix: "ocsf" },
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

/** A name for a file: with the day of the end of the range. */
export function exportName({ search, format }: Pick<ExportRequest, "search" | "format">): string {
  const day = search.until?.slice(0, 10) ?? "all";
  return `lognotary-${search.streams.join("-")}-${day}.${FORMATS[format]?.suffix ?? format}`;
}

/** Commands that export, one for each file, and the command that checks what was downloaded. */
export function exportCommands(request: ExportRequest): { exports: string[]; check: string } {
  const { search, format, columns } = request;
  // The command line exports audit events and logs together, or one stream.
  const together = search.streams.join() === "audit,operational";
  const parts = together ? [search] : search.streams.map((stream) => ({ ...search, streams: [stream] }));
  const exports = parts.map((part) => {
    const file = exportName({ search: part, format });
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
