/** Marks that redaction left in place of values (docs/configuration.md, redaction). */

/** A part of a text: as it is, or a mark. */
type Marked =
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "removed" | "hash" | "commitment";
      readonly text: string;
      readonly rule: string;
      readonly digits: string;
    };

const MARK = /\[redacted:([a-z0-9_.]+)(?::sha256:([0-9a-f]{64}))?\]|\[hmac:([a-z0-9_.]+):([0-9a-f]{16})\]/g;

/** Split a text at its marks. */
export function markedParts(text: string): Marked[] {
  const parts: Marked[] = [];
  let end = 0;
  for (const found of text.matchAll(MARK)) {
    const [mark, rule, commitment, hashRule, hash] = found;
    if (found.index > end) parts.push({ kind: "text", text: text.slice(end, found.index) });
    if (hashRule !== undefined) parts.push({ kind: "hash", text: mark, rule: hashRule, digits: hash ?? "" });
    else if (commitment) parts.push({ kind: "commitment", text: mark, rule: rule ?? "", digits: commitment });
    else parts.push({ kind: "removed", text: mark, rule: rule ?? "", digits: "" });
    end = found.index + mark.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

/** Return whether a text is a mark, and nothing else. */
export function isMark(text: string): boolean {
  const [first, ...rest] = markedParts(text);
  return first !== undefined && first.kind !== "text" && rest.length === 0;
}

/** Meaning of a mark, for people. `made` has the commitments that the server has made in the record. */
export function meaningOf(mark: Exclude<Marked, { kind: "text" }>, made: ReadonlySet<string>): string {
  switch (mark.kind) {
    case "removed":
      return `a value was removed by the rule ${mark.rule} before the record was signed`;
    case "hash":
      return `a value was replaced by its keyed hash, by the rule ${mark.rule}: equal values have equal marks`;
    default:
      return made.has(mark.digits)
        ? `a commitment to a value, by the rule ${mark.rule}: it can be disclosed until it is erased`
        : "the sender wrote this text, which looks like a commitment: it opens nothing";
  }
}
