/** Public keys: verifier keys (C2SP signed-note), and PEM files of Ed25519 keys. */
import { areEqual, base64Of, fromBase64, hexOf, joined, utf8 } from "./bytes";
import { malformed } from "./errors";
import { isKeyName } from "./note";
import { sha256 } from "./sha256";

export const ED25519 = 1;
export const COSIGNATURE = 4;
export const ML_DSA_44 = 6;

/** Types of keys, by their number in C2SP signed-note. */
export type KeyType = typeof ED25519 | typeof COSIGNATURE | typeof ML_DSA_44;

const SIZES: Record<KeyType, number> = { [ED25519]: 32, [COSIGNATURE]: 32, [ML_DSA_44]: 1312 };

/** A public key. Its name is empty if it was given without one, as in a PEM file. */
export interface Key {
  readonly name: string;
  readonly type: KeyType;
  readonly publicKey: Uint8Array;
  /** The key ID (C2SP signed-note) in hexadecimal digits. */
  readonly id: string;
}

/** A key with its ID: the first 4 bytes of SHA-256(name || 0x0A || type || public key). */
export async function keyOf(name: string, type: KeyType, publicKey: Uint8Array): Promise<Key> {
  const digest = await sha256(joined(utf8(name), Uint8Array.of(10, type), publicKey));
  return { name, type, publicKey, id: hexOf(digest.subarray(0, 4)) };
}

/** The same key under a log's name, which changes its ID. */
export const renamed = (key: Key, name: string): Promise<Key> => keyOf(name, key.type, key.publicKey);

/** Name and ID of a key. */
export const labelOf = (key: Key): string => `${key.name}+${key.id}`;

/** The verifier key: `<name>+<8 hexadecimal digits of the ID>+<base64(type || public key)>`. */
export const verifierKeyOf = (key: Key): string =>
  `${labelOf(key)}+${base64Of(joined(Uint8Array.of(key.type), key.publicKey))}`;

/** Return whether two keys are the same, with the same name. */
export const areSame = (one: Key, other: Key): boolean =>
  one.name === other.name && one.type === other.type && areEqual(one.publicKey, other.publicKey);

/** The fingerprint, as `lognotary keys list` shows it: the first 16 hexadecimal digits of SHA-256(public key). */
export async function fingerprintOf(key: Key): Promise<string> {
  return (await longFingerprintOf(key)).slice(0, 16);
}

/** SHA-256 of the public key: 64 hexadecimal digits, of which the fingerprint is the beginning. */
export async function longFingerprintOf(key: Key): Promise<string> {
  return hexOf(await sha256(key.publicKey));
}

/** Parse a verifier key. Throws VerificationError if it is none, or its ID is not that of the key. */
export async function parseVerifierKey(text: string): Promise<Key> {
  const shown = JSON.stringify(text.slice(0, 60));
  const [, name = "", id = "", encoded = ""] = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/u.exec(text) ?? [];
  if (!isKeyName(name)) throw malformed(`not a key, which looks like name+1234abcd+AbcD...: ${shown}`);
  const material = fromBase64(encoded, "a key");
  const type = material[0] ?? 0;
  if (!isType(type) || SIZES[type] !== material.length - 1) {
    throw malformed(`the key ${shown} is not Ed25519 or ML-DSA-44, or has another size than those`);
  }
  const key = await keyOf(name, type, material.subarray(1));
  if (key.id !== id) throw malformed(`the key ID is ${key.id} and not ${id}: mistyped, or altered`);
  return key;
}

// SubjectPublicKeyInfo of an Ed25519 key (RFC 8410, section 4): all but the key itself is always the same.
const SPKI = Uint8Array.of(0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00);

/** Refuse a private key, which people take for the public one that lies beside it. Throws VerificationError. */
export function refusePrivate(text: string): void {
  if (/-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text)) {
    throw malformed(
      "this is a private key: keep it secret, and give it to no page. The public key is needed, such as public-key.pem " +
        "in the same directory",
    );
  }
}

/** Parse a PEM file of an Ed25519 public key (RFC 7468); the key has no name. Throws VerificationError. */
export async function parsePem(text: string): Promise<Key> {
  refusePrivate(text);
  const found = /-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+?)\s*-----END PUBLIC KEY-----/.exec(text);
  if (!found) throw malformed("it is a PEM file, but of no public key");
  const der = fromBase64((found[1] ?? "").replace(/\s/g, ""), "the PEM file");
  if (der.length !== SPKI.length + 32 || !areEqual(der.subarray(0, SPKI.length), SPKI)) {
    throw malformed("it is a PEM file, but of no Ed25519 public key");
  }
  return keyOf("", ED25519, der.subarray(SPKI.length));
}

/** A PEM file of an Ed25519 public key. */
export function pemOf(key: Key): string {
  return `-----BEGIN PUBLIC KEY-----\n${base64Of(joined(SPKI, key.publicKey))}\n-----END PUBLIC KEY-----\n`;
}

/** Parse a key as people have it: a PEM file, or a verifier key. Throws VerificationError. */
export async function parseKey(text: string): Promise<Key> {
  const keys = await parseKeys(text);
  const [key] = keys;
  if (!key || keys.length > 1) throw malformed(`one key is needed, and there are ${keys.length}`);
  return key;
}

/** Parse a PEM file, or verifier keys, one a line. Throws VerificationError if there is none, or one is malformed. */
export async function parseKeys(text: string): Promise<Key[]> {
  if (text.includes("-----BEGIN")) return [await parsePem(text)];
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  const keys = await Promise.all(lines.filter(Boolean).map(parseVerifierKey));
  if (!keys.length) throw malformed("there is no key: give a PEM file, or a verifier key");
  return keys;
}

function isType(type: number): type is KeyType {
  return type in SIZES;
}
