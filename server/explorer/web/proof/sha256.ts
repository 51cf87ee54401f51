/** SHA-256 (FIPS 180-4), by the browser, or by @noble/hashes where pages without TLS may not use the browser's. */

/** SHA-256 of bytes: 32 bytes. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const subtle = globalThis.crypto?.subtle;
  if (subtle) return new Uint8Array(await subtle.digest("SHA-256", bytes as BufferSource));
  const { sha256: hash } = await import("@noble/hashes/sha2.js");
  return hash(bytes);
}
