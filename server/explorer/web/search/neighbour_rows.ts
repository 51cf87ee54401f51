/**
 * An answer about the records around one, held against what was asked: the server chooses neither the order nor where
 * the leaves end. Pure.
 */
import type { Neighbours } from "../api/types";
import { distinct } from "../common/distinct";
import { type Entry, entryOf } from "../common/entry";
import { NUMBER } from "../proof/checkpoint";
import { whyMisplaced } from "../trust/belongs";
import { type LeafRow, leafRows } from "./leaf_rows";

/** A question about neighbours. */
export interface Question {
  readonly entry: Entry;
  readonly way: string;
  /** Number of records that are wanted on each side. */
  readonly around: number;
  /** Number of entries that the log has at least, as far as the reader's browser knows. */
  readonly size: bigint;
}

export interface NeighbourRows {
  readonly rows: readonly LeafRow[];
  readonly moreBefore: boolean;
  readonly moreAfter: boolean;
}

/** The rows of an answer. Throws an Error, with a message for people, if the answer is one to another question. */
export function rowsOf(answer: Neighbours, question: Question): NeighbourRows {
  const { entry, way } = question;
  if (answer.by !== way) {
    throw new Error(`the server was asked for neighbours by ${way}, and answered by ${answer.by}: they are not shown`);
  }
  const { logId = "", leafIndex = "" } = entry.evidence ?? {};
  const own = answer.record ? [entryOf(answer.record)] : [];
  if (own.some((each) => whyMisplaced(each, { kind: "log", id: logId, leaf: leafIndex }) !== undefined)) {
    throw new Error("the server answered about another record than the one that was asked for");
  }
  const itself = own.some(({ key }) => key === entry.key) ? own : [entry, ...own];
  const entries = distinct([], [...answer.before.map(entryOf), ...itself, ...answer.after.map(entryOf)]);
  if (way !== "leaf") {
    return {
      rows: entries.map((each) => ({ entry: each })),
      moreBefore: answer.moreBefore,
      moreAfter: answer.moreAfter,
    };
  }
  return rowsByLeaf(entries, answer, question);
}

function rowsByLeaf(entries: readonly Entry[], answer: Neighbours, { entry, around, size }: Question): NeighbourRows {
  const { logId = "", leafIndex = "", treeSize = "" } = entry.evidence ?? {};
  const foreign = entries
    .map((each) => whyMisplaced(each, { kind: "log", id: logId }))
    .find((why) => why !== undefined);
  if (foreign !== undefined) throw new Error(`a record in the answer is not of this log: ${foreign}`);
  const leaf = numberIn(leafIndex);
  const first = leaf > BigInt(around) ? leaf - BigInt(around) : 0n;
  const end = leaf + BigInt(around) + 1n;
  const leaves = [...entries.map((each) => each.evidence?.leafIndex ?? ""), ...answer.missingLeaves].map(numberIn);
  const outside = leaves.find((each) => each < first || each >= end);
  if (outside !== undefined) throw new Error(`the server answered with leaf ${outside}, which was not asked for`);
  const largest = [
    size,
    NUMBER.test(treeSize) ? BigInt(treeSize) : 0n,
    answer.moreAfter ? end + 1n : 0n,
    ...leaves.map(next),
  ];
  const known = largest.reduce((one, other) => (one > other ? one : other));
  return {
    rows: leafRows(entries, answer.missingLeaves, { first, last: (known < end ? known : end) - 1n }),
    moreBefore: first > 0n,
    moreAfter: known > end,
  };
}

const next = (leaf: bigint): bigint => leaf + 1n;

function numberIn(text: string): bigint {
  if (!NUMBER.test(text)) throw new Error(`the server calls ${JSON.stringify(text.slice(0, 80))} the number of a leaf`);
  return BigInt(text);
}
