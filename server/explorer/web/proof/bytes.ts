/** Bytes, and the texts that stand for them. */
import { malformed } from "./errors";

const DIGITS = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;

/** Bytes in hexadecimal digits, lower case. */
export function hexOf(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += DIGITS[byte];
  return text;
}

/** The bytes of hexadecimal digits. */
export function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (two) => Number.parseInt(two, 16));
}

/** Bytes one after the other. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Return whether bytes are equal. Nothing here is secret, so it may end early. */
export function areEqual(some: Uint8Array, others: Uint8Array): boolean {
  return some.length === others.length && some.every((byte, at) => byte === others[at]);
}

/** The UTF-8 of a text. */
export const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** The text of UTF-8, a byte order mark included; undefined for bytes that are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** The text of UTF-8; throws VerificationError, which names `what`, for other bytes. */
export function textIn(bytes: Uint8Array, what: string): string {
  const text = textOf(bytes);
  if (text === undefined) throw malformed(`${what} is not UTF-8`);
  return text;
}

/** Bytes in base64. */
export function base64Of(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 0x8000) text += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  return btoa(text);
}

/**
 * The bytes of canonical base64 (RFC 4648, sections 3.5 and 4): one text for one value, so that nobody can write a
 * signature in several ways. Throws VerificationError, which names `what`, for anything else, and for an empty text.
 */
export function fromBase64(text: string, what: string): Uint8Array {
  if (text.length % 4 || !BASE64.test(text)) throw malformed(`${what} is not base64`);
  // Of the last digit before the padding, the bits that no byte has must be 0.
  const isCanonical = !text.endsWith("=") || /[AQgw]==$|[AEIMQUYcgkosw048]=$/.test(text.slice(-4));
  if (!isCanonical) throw malformed(`${what} is not canonical base64 (RFC 4648, section 3.5)`);
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = characters.charCodeAt(at);
  return bytes;
}

/** A big-endian unsigned number. */
export function numberOf(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}
