/** IDs of logs. */
import { hexOf, utf8 } from "../proof/bytes";
import { sha256 } from "../proof/sha256";

/** The ID of a log: the first 16 hexadecimal digits of SHA-256(origin). */
export async function logIdOf(origin: string): Promise<string> {
  return hexOf(await sha256(utf8(origin))).slice(0, 16);
}
