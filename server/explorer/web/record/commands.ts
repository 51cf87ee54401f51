/** Commands for a terminal, with which anybody checks a record without this page (docs/evidence.md). */

import { commandOf, commandWith } from "../common/shell_words";
import { columnsOf, type Kind, type Stream } from "../proof/columns";

const TABLES: Record<Stream, string> = { audit: "audit_logs", operational: "otel_logs", spans: "otel_traces" };

/** The place of a record. */
export interface Place {
  readonly origin: string;
  readonly logId: string;
  readonly leaf: string;
}

/** Writes an evidence bundle of a record. */
export const proveCommand = ({ origin, leaf }: Place, file: string): string =>
  commandWith(["lognotary", "prove"], `${origin}#${leaf}`, ["-o", file]);

/** Checks a bundle, without a server or a network. */
export const checkCommand = (file: string): string =>
  commandWith(["lognotary", "check"], file, ["--public-key", "public-key.pem"]);

/** Name for the file of a bundle; it does not begin as an option does. */
export const bundleName = ({ origin, leaf }: Place, suffix: string): string =>
  `${`${origin}-${leaf}`.replace(/[^A-Za-z0-9.-]+/g, "-").replace(/^-+/, "")}.${suffix}`;

/** The query of a record's canonical bytes in ClickHouse. Throws VerificationError for a version that is not known. */
export function canonicalQuery(
  { logId, leaf }: Pick<Place, "logId" | "leaf">,
  stream: Stream,
  version: number,
): string {
  const columns = columnsOf(stream, version).map(([name, kind]) =>
    selected(name.includes(".") ? `\`${name}\`` : name, kind),
  );
  const mark = version === 1 ? [] : [`toInt64(-${version})`];
  return `SELECT ${[...mark, ...columns].join(", ")} FROM ${TABLES[stream]} WHERE LogId = '${logId}' AND LeafIndex = ${leaf} FORMAT RowBinary`;
}

function selected(name: string, kind: Kind): string {
  const sorted = (map: string) => `mapSort((k, v) -> (k, v), ${map})`;
  if (kind === "map") return sorted(name);
  return kind === "map[]" ? `arrayMap(m -> ${sorted("m")}, ${name})` : name;
}

/** Computes the SHA-256 of a record's canonical bytes, as they are stored in ClickHouse. */
export const hashCommand = (...query: Parameters<typeof canonicalQuery>): string =>
  `${commandOf("clickhouse-client", "--database", "lognotary", "--query", canonicalQuery(...query))} | sha256sum`;
