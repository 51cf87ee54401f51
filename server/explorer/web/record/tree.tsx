/** The Merkle path, drawn: from the leaf down to the root, with left and right as they are hashed. */

import type { JSX } from "preact";
import { shownNumber } from "../common/counted";
import { areEqual } from "../proof/bytes";
import type { Checked } from "./check";
import { Hash } from "./hash";
import type { Leaves, PathStep } from "./path";

/** The path of a proof. Read out, it is a list of steps. */
export function Tree({ checked }: { checked: Checked }): JSX.Element {
  const { steps, saidLeaf, computedLeaf, root, checkpoint } = checked;
  const isRoot = areEqual(root, checkpoint.root);
  const isLeaf = computedLeaf !== undefined && areEqual(computedLeaf, saidLeaf);
  return (
    <ol class="tree" aria-label="Merkle path from the leaf to the root">
      {steps.map((step, at) => (
        <Pair
          key={at}
          step={step}
          number={at + 1}
          isComputed={at > 0 || isLeaf}
          below={at === 0 ? { hash: saidLeaf, leaves: leafBeside(step) } : ofParent(steps[at - 1])}
          next={at + 1 < steps.length ? (steps[at + 1]?.side === "left" ? "right" : "left") : "middle"}
        />
      ))}
      <li class="tree-root">
        <div class={`node node-path ${isRoot ? "" : "node-wrong"}`}>
          <strong>root</strong> <span class="quiet">{entries(checkpoint.size)}</span>
          <Hash bytes={root} of="the root, computed here" />
          {isRoot ? (
            <span class="step-mark step-good">✔ computed here, and equal to the signed root</span>
          ) : (
            <span class="step-mark step-bad">
              ✘ computed here; signed is <Hash bytes={checkpoint.root} of="the root, as signed" />
            </span>
          )}
        </div>
      </li>
    </ol>
  );
}

interface Node {
  hash: Uint8Array;
  leaves: Leaves;
}

interface PairProps {
  step: PathStep;
  number: number;
  /** True if the hash on the path was computed here. */
  isComputed: boolean;
  /** The node on the path, before this step. */
  below: Node;
  /** Side on which the next row has the hash of both. */
  next: "left" | "right" | "middle";
}

function Pair({ step, number, isComputed, below, next }: PairProps): JSX.Element {
  const beside = (
    <div class="node">
      <span class="quiet">{shownLeaves(step.besideLeaves)}</span>
      <Hash bytes={step.beside} of={shownLeaves(step.besideLeaves)} />
      <span class="step-mark quiet">given by the server</span>
    </div>
  );
  const isLeaf = number === 1;
  const own = (
    <div class="node node-path">
      <span>{isLeaf ? <strong>leaf {String(below.leaves.first)}</strong> : shownLeaves(below.leaves)}</span>
      <Hash bytes={below.hash} of={isLeaf ? "the leaf" : shownLeaves(below.leaves)} />
      {isComputed ? (
        <span class="step-mark step-good">✔ computed here</span>
      ) : (
        <span class="step-mark quiet">in the log, given by the server</span>
      )}
    </div>
  );
  const sides = step.side === "left" ? [beside, own] : [own, beside];
  return (
    <li class={`tree-pair tree-next-${next}`}>
      <span class="read-out">
        Step {number}: the hash from the proof is on the {step.side}. Hashed together, both give the hash of{" "}
        {shownLeaves(step.parentLeaves)}.
      </span>
      {sides}
    </li>
  );
}

function ofParent(step: PathStep | undefined): Node {
  return { hash: step?.parent ?? new Uint8Array(), leaves: step?.parentLeaves ?? { first: 0n, last: 0n } };
}

/** The place of the leaf itself: beside its sibling, on the other side. */
function leafBeside(step: PathStep): Leaves {
  const first = step.side === "left" ? step.besideLeaves.last + 1n : step.besideLeaves.first - 1n;
  return { first, last: first };
}

function shownLeaves({ first, last }: Leaves): string {
  return first === last ? `leaf ${first}` : `leaves ${first}–${last}`;
}

const entries = (size: bigint): string => (size === 1n ? "of 1 entry" : `of ${shownNumber(size)} entries`);
