/** The files of a bundle, as the page has them: a JSON object with the path of each and its content in base64. */
import { fromBase64 } from "../proof/bytes";
import { malformed } from "../proof/errors";
import { parseJson } from "../proof/json";

/** Path within the bundle -> content. */
export type Files = Record<string, Uint8Array>;

/**
 * Return the text of a page's element `bundle`; empty if there is none.
 *
 * Throws VerificationError if there are several, or it is another element than `lognotary check` reads: the page would
 * show one record, and that command check another.
 */
export function textOfBundle(page: Pick<Document, "querySelectorAll">): string {
  const found = page.querySelectorAll("[id=bundle i]");
  const element = found[0];
  if (!element) return "";
  if (found.length > 1 || element.id !== "bundle" || element.localName !== "script" || !element.closest("body")) {
    throw malformed("this page is ambiguous, as it has a second bundle, or an element that could be taken for it");
  }
  return element.textContent ?? "";
}

/**
 * Read the files of a bundle from the text of the page's element `bundle`. Blanks and line ends, which a mail program
 * may have put in, have no meaning there.
 *
 * Throws VerificationError if there is no bundle in it, or a damaged one.
 */
export function filesIn(text: string): Files {
  const packed = text.replace(/[ \t\r\n\f\v]+/g, "");
  if (packed === "null" || packed === "") throw malformed("this page has no bundle in it: 'lognotary prove' makes one");
  const object = parseJson(packed, "the bundle in this page");
  if (!(object instanceof Map)) throw malformed("the bundle in this page is not a JSON object");
  // Own properties, whatever they are called.
  return Object.fromEntries(
    [...object].map(([name, content]) => {
      if (typeof content !== "string") throw malformed("the bundle in this page is not an object of texts in base64");
      const shown = JSON.stringify(name.slice(0, 60));
      return [name, content ? fromBase64(content, `the file ${shown} of the bundle`) : new Uint8Array()];
    }),
  );
}

/** The name of the page's own file, for commands; what `lognotary prove` is asked for in examples if it has none. */
export function fileNameOf(path: string): string {
  const last = path.split("/").pop() ?? "";
  try {
    return decodeURIComponent(last) || "record.html";
  } catch {
    return last;
  }
}
