/** Canonical records: columns as ClickHouse's RowBinary format writes them (docs/evidence.md). */
import { columnsOf, type Kind, type Stream, VERSIONS } from "./columns";
import { malformed } from "./errors";

/** Pairs of a map, in the order of the record: sorted by key, then by value. */
export type Pairs = readonly (readonly [Uint8Array, Uint8Array])[];

/** Value of a column; texts are bytes, since nothing says that they are UTF-8. */
export type Value = Uint8Array | Pairs | bigint | readonly Value[];

/** A column of a record: its type, its value, and the bytes that were signed. */
export interface Column {
  readonly kind: Kind;
  readonly value: Value;
  readonly raw: Uint8Array;
}

const MARK = 8; // bytes

/**
 * The version of a canonical record. From version 2 on it begins with a mark, the negative of the version, as a signed
 * number of 8 bytes. Version 1 begins with a time, which is never negative. Throws VerificationError for others.
 */
export function versionOf(record: Uint8Array): number {
  if (record.length < MARK) throw malformed("record.bin ends too early");
  const first = view(record).getBigInt64(0, true);
  const version = first >= 0n ? 1n : -first;
  const known = VERSIONS.find((each) => BigInt(each) === version);
  if (known === undefined || first === -1n) {
    throw malformed(
      `record.bin begins with the mark ${first}, of another version of the canonical record than this page knows ` +
        `(${VERSIONS.join(" and ")}): use the check of a newer Lognotary`,
    );
  }
  return known;
}

/** Decode a record of a stream into its columns. Throws VerificationError if it is none, or anything is left over. */
export function decodeRecord(record: Uint8Array, stream: Stream): Map<string, Column> {
  const version = versionOf(record);
  const columns = columnsOf(stream, version);
  const reader = new Reader(record, version === 1 ? 0 : MARK);
  const found = new Map<string, Column>();
  for (const [name, kind] of columns) {
    const begin = reader.at;
    const value = reader.value(kind);
    found.set(name, { kind, value, raw: record.subarray(begin, reader.at) });
  }
  if (reader.at < record.length) throw malformed("record.bin goes on after its last column");
  return found;
}

class Reader {
  constructor(
    private readonly bytes: Uint8Array,
    public at: number,
  ) {}

  value(kind: Kind): Value {
    switch (kind) {
      case "text":
        return this.text();
      case "map":
        return this.several(() => [this.text(), this.text()] as const);
      case "time":
        return view(this.take(8)).getBigInt64(0, true);
      case "1":
        return BigInt(view(this.take(1)).getUint8(0));
      case "4":
        return BigInt(view(this.take(4)).getUint32(0, true));
      case "8":
        return view(this.take(8)).getBigUint64(0, true);
      default: {
        const element = kind.slice(0, -2) as Kind;
        return this.several(() => this.value(element));
      }
    }
  }

  private text(): Uint8Array {
    return this.take(this.length());
  }

  private several<T>(one: () => T): T[] {
    const count = this.length();
    const found: T[] = [];
    while (found.length < count) found.push(one()); // each takes a byte at least, so this ends with the record
    return found;
  }

  private take(count: number): Uint8Array {
    if (count > this.bytes.length - this.at) throw malformed("record.bin ends too early");
    this.at += count;
    return this.bytes.subarray(this.at - count, this.at);
  }

  /** Unsigned LEB128; beyond 2^53 it is not exact, but larger than any record. */
  private length(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.take(1)[0] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw malformed("record.bin has a length of more than 10 bytes");
  }
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
