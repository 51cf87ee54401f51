/** Fields that requests need, so that the entries of their answers can be checked in this browser. */
export const PROOFS = { include_proofs: true };
