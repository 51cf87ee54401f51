/** The bar at a place of the chart; pure. */
import type { Bars } from "./chart";

/** The bucket of a time, in milliseconds. */
export function bucketAt(
  { starts, stepMillis }: Pick<Bars, "starts" | "stepMillis">,
  millis: number,
): number | undefined {
  const at = Math.floor((millis - (starts[0] ?? 0)) / stepMillis);
  return at >= 0 && at < starts.length ? at : undefined;
}
