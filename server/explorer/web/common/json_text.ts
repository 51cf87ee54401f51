/** JSON for people, kept as it was written: numbers of any size, and members of the same name. */
import { endOfString } from "./value_types";

/** JSON over several lines, with an indent of two spaces; undefined for a text that is not a JSON object or array. */
export function prettyJson(text: string): string | undefined {
  if (!looksLikeJson(text)) return undefined;
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  const parts: string[] = [];
  let depth = 0;
  const line = () => parts.push("\n", "  ".repeat(depth));
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at] ?? "";
    if (sign === '"') {
      const end = endOfString(text, at);
      parts.push(text.slice(at, end + 1));
      at = end;
    } else if (sign === "{" || sign === "[") {
      parts.push(sign);
      depth += 1;
      const next = nextOf(text, at + 1);
      if (next !== "}" && next !== "]") line();
    } else if (sign === "}" || sign === "]") {
      depth -= 1;
      if (!/[[{]$/.test(parts.at(-1) ?? "")) line();
      parts.push(sign);
    } else if (sign === ",") {
      parts.push(sign);
      line();
    } else if (sign === ":") parts.push(": ");
    else if (!isSpace(sign)) parts.push(sign);
  }
  return parts.join("");
}

/** Return whether a text may be a JSON object or array, by its ends. */
export function looksLikeJson(text: string): boolean {
  const [first, last] = [text.trimStart()[0], text.trimEnd().at(-1)];
  return (first === "{" && last === "}") || (first === "[" && last === "]");
}

function nextOf(text: string, start: number): string | undefined {
  let at = start;
  while (at < text.length && isSpace(text[at] ?? "")) at += 1;
  return text[at];
}

const isSpace = (sign: string): boolean => sign === " " || sign === "\n" || sign === "\t" || sign === "\r";
