/** The one error of this package. */

/**
 * - MALFORMED: bytes are not in the format that they should have
 * - PROOF_WRONG: a proof does not lead to the root hash that was signed
 * - SIGNATURE_WRONG: a signature by a known key is not one over this text
 * - KEY_UNKNOWN: no key that is known signed, or not all that have to
 * - RECORD_CHANGED: a readable text says something else than the signed record
 * - LOG_FORKED: a log has two histories
 * - LOG_TRUNCATED: a log has fewer entries than it had
 * - LOG_MISSING: a log is not there any more
 * - NOT_CHECKED: this browser cannot check it, so it does not hold here; `lognotary check` can
 */
export type Code =
  | "MALFORMED"
  | "PROOF_WRONG"
  | "SIGNATURE_WRONG"
  | "KEY_UNKNOWN"
  | "RECORD_CHANGED"
  | "LOG_FORKED"
  | "LOG_TRUNCATED"
  | "LOG_MISSING"
  | "NOT_CHECKED";

/** Evidence does not hold, or is malformed. */
export class VerificationError extends Error {
  /**
   * @param code kind of the failure, for programs
   * @param message sentence for people
   */
  constructor(
    readonly code: Code,
    message: string,
  ) {
    super(message);
    this.name = "VerificationError";
  }
}

/** The error of bytes that are not in their format. */
export const malformed = (message: string): VerificationError => new VerificationError("MALFORMED", message);
