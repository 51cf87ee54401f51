/** Hashes and times of proofs, short on the page. */
import type { JSX } from "preact";
import { zone } from "../app/preferences";
import { Copy } from "../common/copy";
import { shownTime, zoneName } from "../common/time";
import { hexOf } from "../proof/bytes";

/** The beginning of a hash, with a button that copies it in full. `of` says what it is the hash of. */
export function Hash({ bytes, of }: { bytes: Uint8Array; of: string }): JSX.Element {
  const digits = hexOf(bytes);
  return (
    <span class="hash">
      <code title={digits}>{digits.slice(0, 10)}…</code> <Copy text={digits} label="copy" of={`the hash of ${of}`} />
    </span>
  );
}

/** A time in seconds since 1970. */
export function Seconds({ since1970 }: { since1970: bigint }): JSX.Element {
  const nanos = since1970 * 1_000_000_000n;
  const { date, time } = shownTime(nanos, zone.value, 0);
  return (
    <span>
      {date} {time} {zoneName(nanos, zone.value)}
    </span>
  );
}
