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

/** What this browser can give to a verification. */
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
    withPins: parameters.get("keys") === "pinned",
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

/** The command that verifies the same; checkpoints and keys are in files that the reader has to save. */
export function commandFor(choices: Choices, given: Given): string {
  const words = ["lognotary", "verify"];
  if (choices.since) words.push("--since", choices.since);
  if (choices.until) words.push("--until", choices.until);
  for (const log of choices.logs) words.push(...optionOf("--log", log));
  if (choices.allLookups) words.push("--lookups", "all");
  if (choices.withCheckpoints) words.push(...optionsOf("--checkpoint", "kept", given.checkpoints));
  if (choices.withPins) words.push(...optionsOf("--public-key", "key", given.publicKeys));
  return commandOf(...words);
}

/** An option with a file for each of some texts: --public-key key-1. */
function optionsOf(option: string, file: string, texts: readonly string[]): string[] {
  return texts.flatMap((_, at) => [option, `${file}-${at + 1}`]);
}
