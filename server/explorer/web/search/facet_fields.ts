/** The fields that the list of facets has. */
import type { Stream } from "../common/entry";

/** Fields with few values first. The server refuses fields that none of the streams has. */
export function facetFields(streams: readonly Stream[]): string[] {
  const hasRecords = streams.some((stream) => stream !== "spans");
  return [
    "stream",
    ...(hasRecords ? ["severity"] : []),
    "service",
    ...(streams.includes("audit") ? ["outcome", "category", "action", "actor", "target", "source"] : []),
    ...(streams.includes("spans") ? ["kind", "status", "name"] : []),
    ...(hasRecords ? ["event"] : []),
    "deployment.environment.name",
    "host.name",
  ];
}
