/** The explorer begins here. */
import { render } from "preact";
import { listenToKeys } from "./app/keyboard";
import { followLinks } from "./app/location";
import { preload } from "./app/pages";
import { applyPreferences } from "./app/preferences";
import { routeOf } from "./app/routes";
import { findReader, watchReturns } from "./app/session";
import { Shell } from "./app/shell";

const root = document.getElementById("app");
if (root) {
  applyPreferences();
  preload(routeOf(location.pathname)); // while the server says who the reader is
  followLinks();
  listenToKeys();
  render(<Shell />, root);
  watchReturns();
  void findReader();
}
