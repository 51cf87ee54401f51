/**
 * JSON (RFC 8259) as evidence needs it: whole numbers of any size stay exact, and a name that occurs twice is seen.
 * JSON.parse of browsers does neither. As check.py's does, this one also knows NaN and Infinity.
 */
import { malformed } from "./errors";

/** A value; whole numbers are bigint, others number; objects are maps, so that no name has a meaning of its own. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | ReadonlyMap<string, Json>;

const SPACE = /[ \t\n\r]*/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: strings must not have them
const PLAIN = /[^"\\\x00-\x1f]*/y;
const NUMBER = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?/y;
const WORD = /null|true|false|NaN|-?Infinity/y;
const WORDS: Record<string, Json> = { null: null, true: true, false: false };
const ESCAPES: Record<string, string> = { '"': '"', "\\": "\\", "/": "/", b: "\b", f: "\f", n: "\n", r: "\r", t: "\t" };
const DEEPEST = 200;
const MOST_DIGITS = 4300; // as Python: larger numbers take long

/**
 * Parse a text. Throws VerificationError, which names `what`, for anything but JSON, and, unless `mayRepeat`, for an
 * object in which a name occurs twice.
 */
export function parseJson(text: string, what: string, { mayRepeat = false } = {}): Json {
  const reader = new Reader(text, what, mayRepeat);
  const value = reader.value(0);
  reader.end();
  return value;
}

/** Return whether two values are the same. The order of names in objects has no meaning. */
export function areSameJson(one: Json, other: Json): boolean {
  if (one instanceof Map) {
    if (!(other instanceof Map) || one.size !== other.size) return false;
    for (const [name, value] of one) {
      if (!other.has(name) || !areSameJson(value, other.get(name) ?? null)) return false;
    }
    return true;
  }
  if (Array.isArray(one)) {
    return Array.isArray(other) && one.length === other.length && one.every((each, at) => areSameJson(each, other[at]));
  }
  return one === other;
}

/** A value as text, on one line; bytes of objects and lists as JSON has them. */
export function jsonText(value: Json): string {
  if (value instanceof Map) {
    return `{${[...value].map(([name, each]) => `${JSON.stringify(name)}: ${jsonText(each)}`).join(", ")}}`;
  }
  if (Array.isArray(value)) return `[${value.map(jsonText).join(", ")}]`;
  return typeof value === "bigint" || typeof value === "number" ? String(value) : JSON.stringify(value);
}

class Reader {
  private at = 0;

  constructor(
    private readonly text: string,
    private readonly what: string,
    private readonly mayRepeat: boolean,
  ) {}

  value(depth: number): Json {
    if (depth > DEEPEST) throw this.error("it is nested too deeply");
    this.take(SPACE);
    switch (this.text[this.at]) {
      case "{":
        return this.object(depth);
      case "[":
        return this.list(depth);
      case '"':
        return this.string();
      default:
        return this.scalar();
    }
  }

  end(): void {
    this.take(SPACE);
    if (this.at < this.text.length) throw this.error("it goes on after its value");
  }

  private object(depth: number): Json {
    const found = new Map<string, Json>();
    this.at += 1;
    this.take(SPACE);
    if (this.skip("}")) return found;
    do {
      this.take(SPACE);
      if (this.text[this.at] !== '"') throw this.error("a name is missing");
      const name = this.string();
      this.take(SPACE);
      if (!this.skip(":")) throw this.error("a colon is missing");
      const value = this.value(depth + 1);
      if (found.has(name) && !this.mayRepeat) throw this.error("a name occurs twice");
      found.set(name, value);
      this.take(SPACE);
    } while (this.skip(","));
    if (!this.skip("}")) throw this.error("a brace is missing");
    return found;
  }

  private list(depth: number): Json {
    const found: Json[] = [];
    this.at += 1;
    this.take(SPACE);
    if (this.skip("]")) return found;
    do {
      found.push(this.value(depth + 1));
      this.take(SPACE);
    } while (this.skip(","));
    if (!this.skip("]")) throw this.error("a bracket is missing");
    return found;
  }

  private string(): string {
    const parts: string[] = [];
    this.at += 1;
    for (;;) {
      parts.push(this.take(PLAIN)?.[0] ?? "");
      if (this.skip('"')) return parts.join("");
      if (!this.skip("\\")) throw this.error("a string does not end, or has a control character");
      parts.push(this.escaped());
    }
  }

  private escaped(): string {
    const letter = this.text[this.at] ?? "";
    this.at += 1;
    if (letter === "u") {
      const digits = this.text.slice(this.at, this.at + 4);
      if (!/^[0-9A-Fa-f]{4}$/.test(digits)) throw this.error("an escape is malformed");
      this.at += 4;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const meant = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (meant === undefined) throw this.error("an escape is malformed");
    return meant;
  }

  private scalar(): Json {
    const number = this.take(NUMBER);
    if (number) {
      const [text, fraction, exponent] = number;
      if (fraction || exponent) return Number(text);
      if (text.replace("-", "").length > MOST_DIGITS) throw this.error("a number has too many digits");
      return BigInt(text);
    }
    const word = this.take(WORD)?.[0];
    if (word === undefined) throw this.error("a value is missing");
    return Object.hasOwn(WORDS, word) ? (WORDS[word] ?? null) : Number(word);
  }

  private skip(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at += 1;
    return true;
  }

  private take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (found) this.at = pattern.lastIndex;
    return found;
  }

  private error(why: string): Error {
    return malformed(`${this.what} cannot be read: ${why} (character ${this.at})`);
  }
}
