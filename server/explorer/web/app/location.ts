/** The address of the page, which has the whole state of what is shown: reload, back and forward keep it. */
import { computed, signal } from "@preact/signals";
import { isFollowed } from "./links";

/** The current address. */
export const address = signal(new URL(location.href));

/** Path of the current address. */
export const path = computed(() => address.value.pathname);

/** Parameters of the current address. */
export const parameters = computed(() => address.value.searchParams);

/** Values of parameters; one that is undefined or empty is removed. */
export type Changes = Record<string, string | undefined>;

/** Go to an address of this server; with `replace`, back does not lead to the current one. */
export function navigate(to: string, { replace = false } = {}): void {
  const next = new URL(to, address.value);
  if (next.href === address.value.href) return;
  if (replace) history.replaceState(null, "", next);
  else history.pushState(null, "", next);
  const isOtherPage = next.pathname !== address.value.pathname;
  address.value = next;
  if (isOtherPage) scrollTo(0, 0);
}

/** The current address with other parameters, for links. */
export function withParameters(changes: Changes): string {
  const next = new URL(address.value);
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined || value === "") next.searchParams.delete(name);
    else next.searchParams.set(name, value);
  }
  return next.pathname + next.search;
}

/** Change parameters of the current address. */
export function change(changes: Changes, { replace = false } = {}): void {
  navigate(withParameters(changes), { replace });
}

/** Follow links of this server without loading the page again, and the browser's back and forward. */
export function followLinks(): void {
  addEventListener("popstate", () => {
    address.value = new URL(location.href);
  });
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
      return;
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("download")) return;
    const to = new URL(link.href);
    if (!isFollowed(to, address.peek())) return;
    event.preventDefault();
    navigate(to.href);
  });
}
