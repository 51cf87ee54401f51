/** Terms of queries about the server's own records of who looked (docs/security.md, "Who looked"). */

/**
 * The term that leaves these records out. It names the sender too, which only the server can have: any sender may
 * choose the name of an event or of a scope, and so would hide its records.
 */
export const WITHOUT_WHO_LOOKED = "-(scope:lognotary.access sender:server)";
