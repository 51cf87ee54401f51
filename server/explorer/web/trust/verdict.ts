/** The result of checking an entry in this browser. */

/**
 * - waiting: not checked yet, or being checked
 * - checked: the record that is shown is the one that was signed with a key that the reader pinned, in the history
 *   that this browser keeps; `key` is its fingerprint
 * - uncompared: the record is signed with a pinned key, but nothing proves that its log has the history that this
 *   browser keeps; `reason` says why
 * - unpinned: everything fits together, but only the server says that the key is the right one
 * - unproved: there is nothing to check: the server sent no proof
 * - refuted: the record, the proof or the log is not what was signed; `finding` names it as verification does
 */
export type Verdict =
  | { kind: "waiting" }
  | { kind: "checked"; key: string }
  | { kind: "uncompared"; key: string; reason: string }
  | { kind: "unpinned" }
  | { kind: "unproved"; reason: string }
  | { kind: "refuted"; finding: string; message: string };
