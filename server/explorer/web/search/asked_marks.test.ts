import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError, type get } from "../api/client";
import { areFresh, marksOf } from "./asked_marks";

const RANGE = { since: "2026-11-30T10:00:00Z", until: "2026-11-30T11:00:00Z" };

/** A server that answers by path and query; a text is the message of its error. */
function server(answer: (path: string, fields: Record<string, unknown>) => object | string): typeof get {
  return async <T>(path: string, fields: Record<string, unknown> = {}): Promise<T> => {
    const answered = answer(path, fields);
    if (typeof answered === "string") throw new ApiError(500, "INTERNAL", answered, false);
    return answered as T;
  };
}
const NO_RECORDS = { entries: [], nextPageToken: "" };
const GAPS = {
  gaps: [{ origin: "shop", since: "2026-11-30T10:10:00Z", until: "2026-11-30T10:20:00Z" }],
  truncated: false,
};
const record = (action: string, at: string) => ({
  timestamp: at,
  auditEvent: { serviceName: "", traceId: "", body: action, eventName: "", audit: { action, targetId: "node-1" } },
});
const { signal } = new AbortController();

test("marks that cannot be read are named, and the others are there", async () => {
  const asked = await marksOf(
    RANGE,
    signal,
    server((path) => (path === "/api/v1/gaps" ? GAPS : "storage is full")),
  );
  assert.deepEqual(
    asked.marks.map(({ kind }) => kind),
    ["gap"],
  );
  assert.deepEqual(asked.failures, [
    "Findings and changes of keys could not be read: storage is full",
    "Starts of servers could not be read: storage is full",
  ]);
});

test("changes of keys are on later pages too, however many starts there are", async () => {
  const asked = await marksOf(
    RANGE,
    signal,
    server((path, { query, page_token: token }) => {
      if (path === "/api/v1/gaps") return { gaps: [], truncated: true };
      if (String(query).includes("settings.start")) {
        return { entries: [record("settings.start", "2026-11-30T10:50:00Z")], nextPageToken: "more" };
      }
      if (!token) return { entries: [], nextPageToken: "second" };
      return { entries: [record("key.rotate", "2026-11-30T10:30:00Z")], nextPageToken: "" };
    }),
  );
  assert.deepEqual(asked.marks.map(({ kind }) => kind).slice(0, 2), ["key change", "start"]);
  assert.deepEqual(asked.failures, []);
  assert.deepEqual(asked.limits, [
    "Only the latest 0 gaps are marked.",
    "Only the latest 4 starts of servers are marked.",
  ]);
});

test("marks of a server without any are none, and nothing is said to be left out", async () => {
  const asked = await marksOf(
    RANGE,
    signal,
    server((path) => (path === "/api/v1/gaps" ? { gaps: [], truncated: false } : NO_RECORDS)),
  );
  assert.deepEqual(asked, { range: RANGE, marks: [], failures: [], limits: [] });
});

test("marks are asked for again only if a range has more than their own, or another minute", () => {
  const asked = {
    range: { since: "2026-11-30T10:00:00Z", until: "2026-11-30T11:00:00Z" },
    marks: [],
    failures: [],
    limits: [],
  };
  assert.ok(areFresh(asked, { since: "2026-11-30T10:00:30Z", until: "2026-11-30T11:00:30Z" }));
  assert.ok(areFresh(asked, { since: "2026-11-30T10:10:00Z", until: "2026-11-30T10:20:00Z" }));
  assert.ok(!areFresh(asked, { since: "2026-11-30T10:00:00Z", until: "2026-11-30T11:01:01Z" }));
  assert.ok(!areFresh(asked, { since: "2026-11-30T09:59:59Z", until: "2026-11-30T11:00:00Z" }));
  assert.ok(!areFresh(asked, { since: undefined, until: "2026-11-30T11:00:00Z" }));
  assert.ok(!areFresh(undefined, {}));
});
