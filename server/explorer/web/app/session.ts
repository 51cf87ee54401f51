/** The reader: name and roles, as the server knows them. */
import { signal } from "@preact/signals";
import { ApiError, get, request } from "../api/client";
import type { WhoAmI } from "../api/types";
import type { Stream } from "../common/entry";
import { forgetQueries } from "../query/recent";

type Session =
  | { state: "unknown" }
  | { state: "known"; reader: WhoAmI }
  | { state: "needs login"; hasPage: boolean }
  | { state: "failed"; error: ApiError };

export const session = signal<Session>({ state: "unknown" });

/** Ask the server who the reader is. */
export async function findReader(): Promise<void> {
  try {
    session.value = { state: "known", reader: await get<WhoAmI>("/login/whoami") };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    session.value = error.needsLogin
      ? { state: "needs login", hasPage: error.hasLoginPage }
      : { state: "failed", error };
  }
}

/** Ask again when the browser shows the page from its cache, as after Back: the session may have ended meanwhile. */
export function watchReturns(): void {
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted || !hasLoginPage()) return;
    session.value = { state: "unknown" };
    void findReader();
  });
}

/** Return whether there is a page on which readers log in. Servers without an OpenID provider have none. */
export function hasLoginPage(): boolean {
  const known = session.value;
  return known.state === "needs login" ? known.hasPage : known.state === "known" && known.reader.kind === "oidc";
}

/** Roles of the reader, each once. */
export function rolesOfReader(): string[] {
  return session.value.state === "known" ? [...new Set(session.value.reader.roles.map(({ role }) => role))] : [];
}

/** Return whether the reader has one of some roles; admins have all, and so has everybody where no login is needed. */
export function hasRole(...roles: string[]): boolean {
  return rolesOfReader().some((role) => role === "admin" || roles.includes(role));
}

/** The streams that the reader's roles permit to read: a request that names another one is refused as a whole. */
export const readableStreams = (): Stream[] => [
  ...(hasRole("auditor") ? (["audit"] as const) : []),
  ...(hasRole("viewer") ? (["operational", "spans"] as const) : []),
];

/** Path that sends the reader to the login, and afterwards back to a path of this server. */
export const loginPath = (next: string): string => `/login?${new URLSearchParams({ next })}`;

/**
 * End the session, here and at the identity provider. A form would not do: without a referrer, browsers do not tell
 * that it is of this site, and the policy `form-action` holds for the redirect to the provider, too.
 */
export async function logOut(): Promise<void> {
  const response = await request("/logout", { method: "POST", headers: { Accept: "application/json" } });
  const { location: next } = (await response.json()) as { location: string };
  forgetQueries(); // the next reader at this browser need not know what this one looked for
  session.value = { state: "needs login", hasPage: true }; // nor see the page, which Back may bring from a cache
  window.location.assign(next);
}
