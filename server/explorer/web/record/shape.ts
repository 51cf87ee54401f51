/** The form of the server's answer with a proof: a check that meets another one would end in an error of its own. */
import type { InclusionProof } from "../api/types";
import { NUMBER } from "../proof/checkpoint";
import { malformed } from "../proof/errors";
import { distinctNotes } from "../proof/note";

const TEXTS = ["origin", "logId", "leafHash", "checkpoint", "record", "timestamp"] as const;
const NUMBERS = ["leafIndex", "treeSize"] as const;
const LISTS = ["path", "verifierKeys", "keyChanges"] as const;

/**
 * The members that a check reads; those that are absent are empty, as in JSON of protobuf.
 *
 * @throws VerificationError if one has another type
 */
export function shaped(proof: InclusionProof): InclusionProof {
  const given = proof as { readonly [name: string]: unknown };
  const members = [
    ...TEXTS.map((name) => [name, checkedAs(isText, given[name] ?? "", name)]),
    ...NUMBERS.map((name) => [name, checkedAs(isNumber, given[name] ?? "0", name)]),
    ...LISTS.map((name) => [name, checkedAs(areTexts, given[name] ?? [], name)]),
    ["keyChanges", distinctNotes(checkedAs(areTexts, given.keyChanges ?? [], "keyChanges") as string[])],
  ];
  return { ...proof, ...Object.fromEntries(members) };
}

function checkedAs(has: (value: unknown) => boolean, value: unknown, name: string): unknown {
  if (!has(value)) throw malformed(`the server's answer has something else than a proof in ${name}`);
  return value;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): boolean => isText(value) && NUMBER.test(value);
const areTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText);
