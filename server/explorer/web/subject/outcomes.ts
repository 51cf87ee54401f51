/** Outcomes of audit events. */

type OutcomeWord = "success" | "failure" | "unknown";

/** The known outcome for a word of the API; everything else is unknown. */
export const outcomeOf = (word: string): OutcomeWord => (word === "success" || word === "failure" ? word : "unknown");
