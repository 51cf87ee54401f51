/** Requests of exports, and the commands that do the same; pure. */
import { pathOf } from "../api/client";
import { commandOf } from "../common/shell_words";
import { commandFor, partsOf } from "./commands";
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
  const parts = partsOf(search);
  const names = namesOf(columns);
  const exports = parts.map((part) => {
    const file = parts.length === 1 ? exportName(request) : `lognotary-${part.streams.join("-")}.${format}`;
    return commandFor("export", part, [
      ...(names.length ? ["--columns", names.join()] : []),
      ...["--format", format, "-o", file, "--manifest", `${file}.manifest`],
    ]);
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
