/** The reader, as it is kept with what this browser saw while that reader used it. */
import { hasRole, session } from "../app/session";
import { counted } from "../common/counted";
import type { LogFinding } from "./witness";

/** The reader by name and roles: others may not see every log. Empty if nobody is known. */
export function readerNow(): string {
  if (session.value.state !== "known") return "";
  const { name, roles } = session.value.reader;
  return JSON.stringify([name, roles]);
}

/** The reader by name and roles, for people. */
export function shownReader(): string {
  if (session.value.state !== "known") return "";
  const { name, roles } = session.value.reader;
  return `${name || "without a name"} (${roles.map(({ role }) => role).join(", ") || "no role"})`;
}

/** Return whether the reader may know which log a finding is about: an auditor, or who found it with these roles. */
export function mayRead({ reader }: LogFinding): boolean {
  return session.value.state === "known" && (hasRole("auditor") || reader === readerNow());
}

/** A sentence about findings that the reader may not read. */
export const forAuditors = (number: number): string =>
  `This browser has ${counted(number, "finding")} about logs, which an auditor can read here`;
