/** Timestamps (RFC 3161): what they are of, and their time. Nothing here checks who made them. */
import { areEqual, hexOf, utf8 } from "./bytes";
import { malformed, VerificationError } from "./errors";
import { sha256 } from "./sha256";

/** The statement of a timestamp; no signature is checked. */
export interface Timestamp {
  /** The hash that was stamped, and its algorithm as an object identifier. */
  readonly imprint: Uint8Array;
  readonly algorithm: string;
  /** The time, as the authority wrote it: RFC 3339, in UTC. */
  readonly time: string;
}

/** Object identifier of SHA-256. */
const SHA_256 = "2.16.840.1.101.3.4.2.1";

const SIGNED_DATA = "1.2.840.113549.1.7.2";
const TST_INFO = "1.2.840.113549.1.9.16.1.4";
const [INTEGER, OCTETS, OID, TIME, SEQUENCE, SET, EXPLICIT] = [0x02, 0x04, 0x06, 0x18, 0x30, 0x31, 0xa0];

/** A timestamp held against a text; hashes other than SHA-256 are not compared. */
export type ReadTimestamp =
  | { readonly time: string; readonly isOf: "this text" | "another text" | "not compared" }
  | { readonly problem: string };

/**
 * Read a timestamp, and compare its hash with that of a text.
 *
 * @param der returns the TimeStampResp; its VerificationError is a problem of the timestamp
 * @param text the text that should be stamped
 */
export async function readTimestamp(der: () => Uint8Array, text: string): Promise<ReadTimestamp> {
  try {
    const { imprint, algorithm, time } = parseTimestamp(der());
    if (algorithm !== SHA_256) return { time, isOf: "not compared" };
    return { time, isOf: areEqual(imprint, await sha256(utf8(text))) ? "this text" : "another text" };
  } catch (error) {
    if (error instanceof VerificationError) return { problem: error.message };
    throw error;
  }
}

/** Parse a TimeStampResp in DER. Throws VerificationError if it is none, or is of a refusal. */
export function parseTimestamp(der: Uint8Array): Timestamp {
  const response = new Reader(der).inside(SEQUENCE);
  const status = response.inside(SEQUENCE).take(INTEGER);
  if (status.length !== 1 || status[0] !== 0) throw malformed("the authority refused the timestamp");
  const content = response.inside(SEQUENCE);
  content.requireOid(SIGNED_DATA);
  const signed = content.inside(EXPLICIT).inside(SEQUENCE);
  signed.skip(INTEGER);
  signed.skip(SET);
  const encapsulated = signed.inside(SEQUENCE);
  encapsulated.requireOid(TST_INFO);
  const info = new Reader(encapsulated.inside(EXPLICIT).take(OCTETS)).inside(SEQUENCE);
  info.skip(INTEGER);
  info.skip(OID); // the authority's policy
  const stamped = info.inside(SEQUENCE);
  const algorithm = oidText(stamped.inside(SEQUENCE).take(OID));
  const imprint = stamped.take(OCTETS);
  info.skip(INTEGER); // the serial number
  return { imprint, algorithm, time: timeText(info.take(TIME)) };
}

/** Elements of DER, one after the other. */
class Reader {
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  /** The content of the next element, which has to have a tag. */
  take(tag: number): Uint8Array {
    if (this.byte() !== tag) throw malformed("the timestamp is not a timestamp of RFC 3161");
    let length = this.byte();
    if (length >= 0x80) {
      let more = length - 0x80;
      if (more === 0 || more > 4) throw malformed("the timestamp is not DER");
      for (length = 0; more > 0; more -= 1) length = length * 256 + this.byte();
    }
    if (length > this.bytes.length - this.at) throw malformed("the timestamp ends too early");
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  skip(tag: number): void {
    this.take(tag);
  }

  inside(tag: number): Reader {
    return new Reader(this.take(tag));
  }

  requireOid(expected: string): void {
    if (oidText(this.take(OID)) !== expected) throw malformed("the timestamp has no statement of a time in it");
  }

  private byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw malformed("the timestamp ends too early");
    this.at += 1;
    return byte;
  }
}

function oidText(bytes: Uint8Array): string {
  const numbers: number[] = [];
  let number = 0;
  for (const byte of bytes) {
    number = number * 128 + (byte & 0x7f);
    if (byte >= 0x80) continue;
    numbers.push(number);
    number = 0;
  }
  const [first = 0, ...rest] = numbers;
  const top = Math.min(Math.floor(first / 40), 2);
  return [top, first - 40 * top, ...rest].join(".");
}

/** GeneralizedTime in UTC (RFC 3161, section 2.4.2) as RFC 3339. */
function timeText(bytes: Uint8Array): string {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\.\d{1,9})?Z$/.exec(
    String.fromCharCode(...bytes.subarray(0, 40)),
  );
  if (!found) throw malformed(`the time of the timestamp, ${hexOf(bytes.subarray(0, 40))}, is not one of RFC 3161`);
  const [, year, month, day, hour, minute, second, fraction = ""] = found;
  return `${year}-${month}-${day}T${hour}:${minute}:${second}${fraction}Z`;
}
