/** Beliefs and findings of this browser, as pages show them. The code that fills it is loaded when it is needed. */
import { computed, signal } from "@preact/signals";
import type { PinnedKey } from "./pinned_keys";
import type { LogFinding } from "./witness";

/** The pinned keys; undefined until they are read. */
export const pinnedKeys = signal<readonly PinnedKey[] | undefined>(undefined);

/** Fingerprints and logs of the pinned keys, as one text that changes with them; undefined until they are read. */
export const pinnedNames = computed(() =>
  pinnedKeys.value?.map(({ fingerprint, logs }) => [fingerprint, ...(logs ?? [])].join("+")).join(" "),
);

/** All findings about logs, the latest last. */
export const logFindings = signal<readonly LogFinding[]>([]);

/** Findings that this browser could not keep: they are lost when the page is closed. */
export const unkeptFindings = signal<readonly LogFinding[]>([]);

/** Sentences for what the server has not let this browser compare, at two attempts. */
export const overdue = signal<readonly string[]>([]);

/**
 * The last comparison of logs: when it was (empty if none was possible), what hindered it or came of it, by origin, and
 * how many key changes this browser has seen.
 */
export const lastLook = signal<{ at: string; problems: ReadonlyMap<string, string>; changes: number } | undefined>(
  undefined,
);
