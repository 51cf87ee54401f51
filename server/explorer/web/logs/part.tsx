/** A part of a page about logs, which some roles may see. */
import type { ComponentChildren, JSX } from "preact";
import { ApiError } from "../api/client";
import { hasRole } from "../app/session";
import { type Answer, Failure, useAnswer } from "../common/answer";

type Role = "auditor" | "operator";

interface Props<T> {
  title: string;
  /** Roles of which one is needed; without them, that of an auditor. */
  roles?: readonly Role[];
  ask: (signal: AbortSignal) => Promise<T>;
  inputs: readonly unknown[];
  children: (value: T) => ComponentChildren;
}

/** A heading with what a call of the API answers; or who may see it. */
export function Part<T>({ title, roles = ["auditor"], ...call }: Props<T>): JSX.Element {
  return (
    <Headed title={title}>
      {hasRole(...roles) ? <Asked roles={roles} {...call} /> : <p class="quiet hidden-part">{rolesText(roles)}.</p>}
    </Headed>
  );
}

/** A heading with what is below it. */
export function Headed({ title, children }: { title: string; children: ComponentChildren }): JSX.Element {
  return (
    <section class="part">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Asked<T>({ roles, ask, inputs, children }: Required<Omit<Props<T>, "title">>): JSX.Element {
  const answer = useAnswer(ask, inputs);
  const value = latest(answer);
  return (
    <>
      {answer.state === "failed" && <Refused error={answer.error} roles={roles} />}
      {value === undefined && answer.state === "waiting" && <p class="quiet">Loading …</p>}
      {value !== undefined && children(value)}
    </>
  );
}

function Refused({ error, roles }: { error: Error; roles: readonly Role[] }): JSX.Element {
  if (error instanceof ApiError && error.isForbidden) {
    return (
      <p class="quiet hidden-part">{rolesText(roles)} for all tenants, services and environments; yours is limited.</p>
    );
  }
  return <Failure error={error} />;
}

/** The value of an answer, or while another one is waited for, the one before. */
export function latest<T>(answer: Answer<T>): T | undefined {
  if (answer.state === "there") return answer.value;
  return answer.state === "waiting" ? answer.before : undefined;
}

const rolesText = (roles: readonly Role[]): string => `Shown only to readers with the role ${roles.join(" or ")}`;
