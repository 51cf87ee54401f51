/** Logs for tests: small ones, in memory, with keys made from a seed. */
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { base64Of, bytesOfHex, joined, utf8 } from "./bytes";
import { ED25519, type Key, keyOf, verifierKeyOf } from "./keys";
import { leafHash, nodeHash } from "./merkle";
import { sha256 } from "./sha256";

/** The key of a seed from 0 to 255, by a name. */
export function madeKey(seed: number, name: string): Promise<Key> {
  const jwk = createPublicKey(privateKey(seed)).export({ format: "jwk" });
  return keyOf(name, ED25519, Uint8Array.from(Buffer.from(jwk.x ?? "", "base64url")));
}

/** A text as a signed note, signed with the keys of some seeds. */
async function signedNote(text: string, name: string, ...seeds: readonly number[]): Promise<string> {
  const lines: string[] = [];
  for (const seed of seeds) {
    const { id } = await madeKey(seed, name);
    const signature = Uint8Array.from(sign(null, utf8(text), privateKey(seed)));
    lines.push(`— ${name} ${base64Of(joined(bytesOfHex(id), signature))}\n`);
  }
  return `${text}\n${lines.join("")}`;
}

/** A log of entries, each of which is a text. */
export class MadeLog {
  constructor(
    readonly origin: string,
    readonly entries: readonly string[],
  ) {}

  /** Root hash of the entries [start, end) (RFC 6962, section 2.1). */
  async root(start: number, end: number): Promise<Uint8Array> {
    if (end === start) return sha256(new Uint8Array());
    if (end - start === 1) return leafHash(await sha256(utf8(this.entries[start] ?? "")));
    const split = start + splitOf(end - start);
    return nodeHash(await this.root(start, split), await this.root(split, end));
  }

  /** The proof that the first entries are the beginning of `second` (RFC 6962, section 2.1.2). */
  async consistency(first: number, second: number): Promise<Uint8Array[]> {
    return first === 0 || first === second ? [] : this.subproof(first, 0, second, true);
  }

  /** A signed checkpoint, with lines after it. */
  async checkpoint(size: number, seeds: readonly number[], extension = ""): Promise<string> {
    const root = base64Of(await this.root(0, size));
    return signedNote(`${this.origin}\n${size}\n${root}\n${extension}`, this.origin, ...seeds);
  }

  /** The statement that keys change at a size. */
  async keyChange(number: number, size: number, before: number, after: number): Promise<string> {
    const [old, next] = await Promise.all([before, after].map((seed) => madeKey(seed, this.origin)));
    if (!old || !next) throw new Error("two keys were asked for");
    const words = `${verifierKeyOf(next)} after ${verifierKeyOf(old)}`;
    return this.checkpoint(size, [before, after], `lognotary/v1 ${number} 1767225600 keys ${words}\n`);
  }

  private async subproof(first: number, start: number, end: number, isWhole: boolean): Promise<Uint8Array[]> {
    if (first === end - start) return isWhole ? [] : [await this.root(start, end)];
    const split = splitOf(end - start);
    const [left, right] = [this.root(start, start + split), this.root(start + split, end)];
    return first <= split
      ? [...(await this.subproof(first, start, start + split, isWhole)), await right]
      : [...(await this.subproof(first - split, start + split, end, false)), await left];
  }
}

function splitOf(count: number): number {
  let split = 1;
  while (split * 2 < count) split *= 2;
  return split;
}

function privateKey(seed: number) {
  // PKCS #8 of an Ed25519 key (RFC 8410, section 7): all but the seed is always the same.
  const der = joined(bytesOfHex("302e020100300506032b657004220420"), new Uint8Array(32).fill(seed));
  return createPrivateKey({ key: Buffer.from(der), format: "der", type: "pkcs8" });
}
