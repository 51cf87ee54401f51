/** The page of an evidence bundle begins here. Its files are in the page itself; it makes no request. */
import { render } from "preact";
import { VerificationError } from "../proof/errors";
import { fileNameOf, filesIn, textOfBundle } from "./files";
import { BundlePage, UnreadablePage } from "./page";

const root = document.getElementById("app");
if (root) {
  root.replaceChildren(); // a page that was saved again has what it showed then
  try {
    const files = filesIn(textOfBundle(document));
    render(<BundlePage files={files} fileName={fileNameOf(location.pathname)} />, root);
  } catch (error) {
    if (!(error instanceof VerificationError)) throw error;
    render(<UnreadablePage message={error.message} />, root);
  }
}

// Everything is on paper, also what is folded on the screen.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
});
