/** Outcomes, and links from an event to what it names. */
import type { JSX } from "preact";
import { actorPath, targetPath } from "../app/routes";
import { ownOf } from "../common/own";
import { Text } from "../common/text";
import { outcomeOf } from "./outcomes";
import type { Kind } from "./view";

const SHAPES: Record<string, string> = { success: "●", failure: "▲" };

/** An outcome, by text and shape. */
export function Outcome({ of }: { of: string }): JSX.Element {
  const outcome = outcomeOf(of);
  return (
    <span class={`outcome outcome-${outcome}`}>
      <span aria-hidden="true">{ownOf(SHAPES, outcome) ?? "?"}</span> <span class="outcome-word">{outcome}</span>
    </span>
  );
}

/** Path of the page of an actor or a target. */
export const subjectPath = (kind: Kind, id: string): string => (kind === "actor" ? actorPath(id) : targetPath(id));

/** A link to everything of an actor or a target. */
export function SubjectLink({ kind, id }: { kind: Kind; id: string }): JSX.Element {
  return (
    <a href={subjectPath(kind, id)}>
      <span class="read-out">{kind} </span>
      <Text text={id} most={120} />
    </a>
  );
}
