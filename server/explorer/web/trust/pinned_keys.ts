/** Keys that the reader pinned: the only ones that this browser believes. */
import { base64Of, fromBase64 } from "../proof/bytes";
import { malformed } from "../proof/errors";
import {
  ED25519,
  fingerprintOf,
  type Key,
  keyOf,
  longFingerprintOf,
  parseVerifierKey,
  pemOf,
  renamed,
  verifierKeyOf,
} from "../proof/keys";
import { all, askToKeep, onLost, update } from "./database";
import { pinnedKeys } from "./state";

/** Ways to pin a key. A fingerprint comes through another channel than the key. */
export type Way = "pasted" | "file" | "QR code" | "fingerprint";

/** A pinned key, as it is kept. */
export interface PinnedKey {
  readonly fingerprint: string;
  /** The public key in base64. */
  readonly publicKey: string;
  /** Names of the logs that it may sign, by the verifier keys that were given; none means every log. */
  readonly logs?: readonly string[];
  /** Name that the reader gave it. */
  readonly name: string;
  readonly way: Way;
  /** Time of pinning, by RFC 3339. */
  readonly since: string;
}

/** Read the pinned keys; another tab may have changed them. */
export async function readPinnedKeys(): Promise<readonly PinnedKey[]> {
  onLost(readPinnedKeys);
  const kept = await all<PinnedKey>("keys");
  pinnedKeys.value = kept.sort((one, other) => one.since.localeCompare(other.since));
  return pinnedKeys.value;
}

/** The pinned keys, each by the names of its logs; one without a name may sign every log. */
export async function believedKeys(): Promise<Key[]> {
  return (await Promise.all((pinnedKeys.value ?? []).map(keysOf))).flat();
}

/**
 * A pinned key as it leaves this browser, for files, QR codes and verification: a PEM file if it may sign every log,
 * else a verifier key for each log that it may sign, one a line.
 */
export async function textOfPinned(pinned: PinnedKey): Promise<string> {
  const keys = await keysOf(pinned);
  return keys.map((key) => (key.name === "" ? pemOf(key) : `${verifierKeyOf(key)}\n`)).join("");
}

function keysOf({ publicKey, logs }: PinnedKey): Promise<Key[]> {
  const bytes = fromBase64(publicKey, "a pinned key");
  return Promise.all((logs?.length ? logs : [""]).map((log) => keyOf(log, ED25519, bytes)));
}

/**
 * Pin a key: for the log that it is named after, besides those for which it is pinned already; for every log if it has
 * no name. Throws VerificationError if it is not a key of a log that this browser can check.
 */
export async function pin(key: Key, name: string, way: Way): Promise<void> {
  requirePinnable(key);
  askToKeep();
  const fingerprint = await fingerprintOf(key);
  const since = new Date().toISOString();
  await update<PinnedKey>("keys", fingerprint, (now) => ({
    fingerprint,
    logs: key.name === "" || (now && !now.logs?.length) ? [] : [...new Set([...(now?.logs ?? []), key.name])],
    publicKey: base64Of(key.publicKey),
    name: name.trim() || `key ${fingerprint}`,
    way,
    since,
  }));
  await readPinnedKeys();
}

/** Stop to believe a key. */
export async function unpin(fingerprint: string): Promise<void> {
  await update<PinnedKey>("keys", fingerprint, () => undefined);
  await readPinnedKeys();
}

/**
 * The key with a fingerprint among those that the server offers.
 *
 * @param text 16 or 64 hexadecimal digits, as the reader got them through another channel; spaces do not count
 * @param offered verifier keys that the server offers
 * @throws VerificationError if the text is not a fingerprint, or none of these keys has it
 */
export async function keyWithFingerprint(text: string, offered: readonly string[]): Promise<Key> {
  const wanted = text.replace(/[\s:]/g, "").toLowerCase();
  if (!/^(?:[0-9a-f]{16}|[0-9a-f]{64})$/.test(wanted)) {
    throw malformed("a fingerprint has 16 or 64 hexadecimal digits, as 'lognotary keys list' shows it");
  }
  for (const verifierKey of new Set(offered)) {
    const key = await parseVerifierKey(verifierKey);
    // The reader knows the key, and the server said which log's it is: so it is pinned for every log.
    if (key.type === ED25519 && (await longFingerprintOf(key)).startsWith(wanted)) return renamed(key, "");
  }
  throw malformed(
    `no key of this server has the fingerprint ${wanted}: it is mistyped, or the server's key is another one. Do not ` +
      "pin what the server offers instead, but ask whoever runs it",
  );
}

/** Throws VerificationError for keys of witnesses, and of ML-DSA-44, which no browser can check yet. */
export function requirePinnable(key: Key): void {
  if (key.type !== ED25519) {
    throw malformed("only Ed25519 keys of logs can be pinned: this is a witness's key, or one of ML-DSA-44");
  }
}
