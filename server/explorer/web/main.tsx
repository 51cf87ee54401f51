/** The explorer begins here. */
import { render } from "preact";
import { listenToKeys } from "./app/keyboard";
import { followLinks } from "./app/location";
import { applyPreferences } from "./app/preferences";
import { findReader, watchReturns } from "./app/session";
import { Shell } from "./app/shell";

const root = document.getElementById("app");
if (root) {
  applyPreferences();
  followLinks();
  listenToKeys();
  render(<Shell />, root);
  watchReturns();
  void findReader();
}
