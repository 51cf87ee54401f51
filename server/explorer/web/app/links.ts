/** Which links the explorer follows itself, without loading the page again. Pure. */

/**
 * Return whether the explorer follows a link. Others are the browser's: those of other sites and other parts of the
 * server, and those to a place on the same page, since only the browser moves the focus there.
 *
 * @param to address of the link
 * @param from address of the page that it is on
 */
export function isFollowed(to: URL, from: URL): boolean {
  if (to.origin !== from.origin || isOfServer(to.pathname)) return false;
  return !to.hash || to.pathname !== from.pathname || to.search !== from.search;
}

/** Return whether a path leads to something else of the server than a page of the explorer. */
function isOfServer(pathname: string): boolean {
  return /^\/(api|assets|login|logout|tlog|metrics|healthz|readyz|licences\.txt)(\/|$)/.test(pathname);
}
