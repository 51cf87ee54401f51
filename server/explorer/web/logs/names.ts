/** The names of logs: origins (docs/evidence.md). */

/** Parts of an origin. An origin does not show where the deployment ends and a tenant begins. */
interface LogName {
  /** The deployment, and after a slash the tenant if the log is a tenant's. */
  readonly owner: string;
  /** audit, operational, spans, or access for the records of who looked. */
  readonly stream: string;
  readonly writer: string;
}

/** The parts of an origin, <deployment>[/<tenant>]/<stream>/<writer>; undefined for another text. */
export function nameOf(origin: string): LogName | undefined {
  const parts = origin.split("/");
  const [stream = "", writer = ""] = parts.slice(-2);
  const owner = parts.slice(0, -2).join("/");
  return owner && stream && writer ? { owner, stream, writer } : undefined;
}
