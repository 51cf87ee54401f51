/** The choices of a verification, which are in the address of the page. */
import { timeOf } from "../common/age";
import { commandOf, optionOf } from "../common/shell_words";

export interface Choices {
  /** Times of receipt, in RFC 3339, or ages such as 7d; empty for none. */
  readonly since: string;
  readonly until: string;
  /** Origins or IDs of logs that must be there. */
  readonly logs: readonly string[];
  /** Look up all audit records. */
  readonly allLookups: boolean;
  /** Give the checkpoints that this browser keeps. */
  readonly withCheckpoints: boolean;
  /** Believe the keys that are pinned in this browser, instead of the server's own. */
  readonly withPins: boolean;
}

/** Evidence that this browser can give to a verification. */
export interface Given {
  readonly checkpoints: readonly string[];
  readonly publicKeys: readonly string[];
}

/** The choices that parameters of the address describe: since, until, log, lookups, checkpoints and keys. */
export function choicesOf(parameters: URLSearchParams): Choices {
  return {
    since: parameters.get("since") ?? "",
    until: parameters.get("until") ?? "",
    logs: linesOf(parameters.getAll("log").join("\n")),
    allLookups: parameters.get("lookups") === "all",
    withCheckpoints: parameters.get("checkpoints") !== "none",
    withPins: parameters.get("keys") !== "server",
  };
}

/** The lines of a text that are not empty, each once. */
export function linesOf(text: string): string[] {
  return [...new Set(text.split(/[\n,]/).map((line) => line.trim()))].filter(Boolean);
}

/** The request of a verification (VerifyRequest). */
export function requestOf(choices: Choices, given: Given, now: bigint): Record<string, unknown> {
  const [since, until] = [timeOf(choices.since, now), timeOf(choices.until, now)];
  return {
    ...(since ? { since } : {}),
    ...(until ? { until } : {}),
    ...(choices.logs.length ? { logs: choices.logs } : {}),
    ...(choices.allLookups ? { allAuditLookups: true } : {}),
    ...(choices.withCheckpoints && given.checkpoints.length ? { checkpoints: given.checkpoints } : {}),
    ...(choices.withPins && given.publicKeys.length ? { publicKeys: given.publicKeys } : {}),
  };
}

/** A file that the command reads, and the option that names it. */
interface CommandFile {
  readonly option: string;
  readonly name: string;
  readonly text: string;
}

/** The files that the reader has to save for the command: checkpoints and keys. */
export function filesFor(choices: Choices, given: Given): CommandFile[] {
  return [
    ...filesOf("--checkpoint", "kept", choices.withCheckpoints ? given.checkpoints : []),
    ...filesOf("--public-key", "key", choices.withPins ? given.publicKeys : []),
  ];
}

/** The command that verifies the same. */
export function commandFor(choices: Choices, given: Given): string {
  const words = ["lognotary", "verify"];
  if (choices.since) words.push("--since", choices.since);
  if (choices.until) words.push("--until", choices.until);
  for (const log of choices.logs) words.push(...optionOf("--log", log));
  if (choices.allLookups) words.push("--lookups", "all");
  for (const { option, name } of filesFor(choices, given)) words.push(option, name);
  return commandOf(...words);
}

const filesOf = (option: string, name: string, texts: readonly string[]): CommandFile[] =>
  texts.map((text, at) => ({ option, name: `${name}-${at + 1}`, text }));
