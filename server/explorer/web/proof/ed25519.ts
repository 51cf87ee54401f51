/** Signatures of Ed25519 (RFC 8032), checked by the browser, or by @noble/ed25519 where it cannot. */

import { bytesOfHex } from "./bytes";

type Verify = (publicKey: Uint8Array, signature: Uint8Array, message: Uint8Array) => Promise<boolean>;

let chosen: Promise<Verify> | undefined;

/**
 * Return whether a signature is one over a message, by the key of 32 bytes.
 *
 * Bytes that are not a key or not a signature of Ed25519 give false.
 */
export async function isSignedWith(
  publicKey: Uint8Array,
  signature: Uint8Array,
  message: Uint8Array,
): Promise<boolean> {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  chosen ??= chosenVerifier();
  try {
    return await (await chosen)(publicKey, signature, message);
  } catch {
    return false; // bytes that are not a point of the curve
  }
}

/** The browser's implementation if it has one that works, which is found out once. */
async function chosenVerifier(): Promise<Verify> {
  try {
    if ((await byBrowser(PROBE.key, PROBE.signature, PROBE.message)) === true) return byBrowser;
  } catch {
    // Not supported, or not in pages without TLS.
  }
  return byLibrary;
}

/** Check a signature with WebCrypto; throws where the browser has no Ed25519. */
export async function byBrowser(key: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> {
  const { subtle } = globalThis.crypto;
  const imported = await subtle.importKey("raw", key as BufferSource, { name: "Ed25519" }, false, ["verify"]);
  return subtle.verify({ name: "Ed25519" }, imported, signature as BufferSource, message as BufferSource);
}

/** Check a signature with the library, by the rules of RFC 8032, which are stricter than those of ZIP 215. */
export async function byLibrary(key: Uint8Array, signature: Uint8Array, message: Uint8Array): Promise<boolean> {
  const [{ hashes, verify }, { sha512 }] = await Promise.all([
    import("@noble/ed25519"),
    import("@noble/hashes/sha2.js"),
  ]);
  hashes.sha512 = sha512;
  return verify(signature, message, key, { zip215: false });
}

// RFC 8032, section 7.1, test 2.
const PROBE = {
  key: bytesOfHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"),
  message: bytesOfHex("72"),
  signature: bytesOfHex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  ),
};
