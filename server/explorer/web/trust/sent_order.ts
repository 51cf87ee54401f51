/**
 * Attributes as pages show them: of a key that was sent several times, the value that was sent last counts.
 *
 * Stored maps are sorted. If the values of a key were sent in another order, OtlpDetails has it, as positions in the
 * stored order (docs/writing-a-verifier.md, repeated attributes). This is what the server does in its answers.
 */

import { hexOf, textOf } from "../proof/bytes";
import type { Pairs } from "../proof/canonical";
import { VerificationError } from "../proof/errors";
import { type Json, parseJson } from "../proof/json";

/** Values of each key in the order in which they were sent. */
export type Texts = ReadonlyMap<string, readonly string[]>;

/** The parsed OtlpDetails of a record; null if it has none that can be read. */
export function detailsOf(raw: Uint8Array): Json {
  const text = textOf(raw);
  if (!text) return null;
  try {
    return parseJson(text, "OtlpDetails", { mayRepeat: true });
  } catch (error) {
    if (error instanceof VerificationError) return null;
    throw error;
  }
}

/**
 * The attributes of a map in the order in which they were sent.
 *
 * @param details parsed OtlpDetails
 * @param pairs pairs of the map, in the stored order
 * @param path names of the members of the details that lead to the order, such as `log_order`
 */
export function sentTexts(details: Json, pairs: Pairs, ...path: readonly string[]): Texts {
  const stored = new Map<string, { key: string; values: Uint8Array[] }>();
  for (const [key, value] of pairs) {
    const known = stored.get(hexOf(key));
    if (known) known.values.push(value);
    else stored.set(hexOf(key), { key: lossyText(key), values: [value] });
  }
  const order = path.reduce<Json>((node, name) => (node instanceof Map ? (node.get(name) ?? null) : null), details);
  const texts = new Map<string, string[]>();
  for (const { key, values } of stored.values()) {
    const positions = order instanceof Map ? order.get(key) : undefined;
    const sent = arePositions(positions, values.length) ? positions.map((at) => values[Number(at)]) : values;
    texts.set(key, [...(texts.get(key) ?? []), ...sent.map((value) => lossyText(value ?? new Uint8Array()))]);
  }
  return texts;
}

/** A text as answers have it: bytes that are not UTF-8 are replaced. */
export function lossyText(raw: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(raw);
}

function arePositions(positions: Json | undefined, count: number): positions is readonly bigint[] {
  if (!Array.isArray(positions) || positions.length !== count) return false;
  const seen = new Set(positions);
  return seen.size === count && positions.every((at) => typeof at === "bigint" && at >= 0n && at < BigInt(count));
}
