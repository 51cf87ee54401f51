/** The answers of the server about a leaf of a log: the rows that claim it, and the proof. */
import { ApiError, get } from "../api/client";
import type { Checkpoint, Evidence, InclusionProof, SearchAnswer } from "../api/types";
import { distinct } from "../common/distinct";
import { type Entry, entryOf, type Stream } from "../common/entry";
import { logIdOf } from "../common/log_id";
import { base64Of, bytesOfHex } from "../proof/bytes";
import { leafHash } from "../proof/merkle";
import type { Wanted } from "./check";

/** The answer about a leaf. */
export type Found =
  | {
      readonly kind: "found";
      /** Rows that claim the leaf: the one with the proof first. None if the record's content is not stored now. */
      readonly claims: readonly Entry[];
      readonly proof?: InclusionProof;
      /** Name of the log, which the log's ID is computed from; undefined if nothing names it. */
      readonly origin?: string;
      /** The reason for which there is no proof, or not all of it. */
      readonly problem?: Problem;
    }
  | { readonly kind: "elsewhere"; readonly logId: string }
  | { readonly kind: "no log" }
  | { readonly kind: "beyond"; readonly origin: string; readonly size: bigint }
  | { readonly kind: "not shown" };

/**
 * - altered: the server found out that its batch or tree is not what was signed
 * - limited: the reader may not ask for proofs
 */
export type Problem = { readonly kind: "altered"; readonly message: string } | { readonly kind: "limited" };

// Rows of all times: those of the future, too, which a search leaves out unless it is asked for them.
const ALL_TIMES = { since: "1970-01-01T00:00:00Z", until: "2262-01-01T00:00:00Z" };
const MOST_CLAIMS = 20;

/**
 * Ask for everything at a leaf. Throws ApiError, or an AbortError after the signal.
 *
 * @param readable the streams that the reader may read
 */
export async function find(wanted: Wanted, readable: readonly Stream[], signal: AbortSignal): Promise<Found> {
  const found = await findRows(wanted, readable, signal);
  return found.kind === "found" ? { ...found, origin: await nameOf(wanted.logId, found) } : found;
}

/** The name of a log, of those that an answer gives: the one that its ID is computed from. */
async function nameOf(
  logId: string,
  { proof, claims }: Extract<Found, { kind: "found" }>,
): Promise<string | undefined> {
  const names = new Set([proof?.origin, ...claims.map(({ evidence }) => evidence?.origin)]);
  for (const name of names) if (name && (await logIdOf(name)) === logId) return name;
  return undefined;
}

async function findRows({ logId, leaf }: Wanted, readable: readonly Stream[], signal: AbortSignal): Promise<Found> {
  if (!/^[0-9a-f]{16}$/.test(logId)) {
    // Somebody wrote the name of the log, which has slashes, in place of its ID.
    return logId.includes("/") ? { kind: "elsewhere", logId: await logIdOf(logId) } : { kind: "no log" };
  }
  const claims = claimsOf({ logId, leaf }, readable, false, signal);
  try {
    const proof = await proofOf({ logId, leaf }, signal);
    return {
      kind: "found",
      claims: distinct(
        [],
        inOrder(await claims, proof.evidence).map((claim) => withProof(claim, proof)),
      ),
      proof,
    };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    if (error.isForbidden) return await withoutProofs({ logId, leaf }, readable, signal);
    if (error.code === "DATA_LOSS") {
      return {
        kind: "found",
        claims: distinct([], await claims),
        problem: { kind: "altered", message: error.message },
      };
    }
    if (error.code !== "NOT_FOUND") throw error;
    return await missing({ logId, leaf }, signal);
  } finally {
    claims.catch(() => undefined); // another failure came first
  }
}

async function proofOf({ logId, leaf }: Wanted, signal: AbortSignal): Promise<InclusionProof> {
  const path = `/api/v1/logs/${logId}/inclusion-proof`;
  const fields = { leaf_index: leaf, for_evidence: true };
  try {
    return await get<InclusionProof>(path, { ...fields, include_record: true }, signal);
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== "NOT_FOUND") throw error;
    return await get<InclusionProof>(path, fields, signal); // the record expired: its leaf has not
  }
}

async function claimsOf(
  { logId, leaf }: Wanted,
  readable: readonly Stream[],
  includesProofs: boolean,
  signal: AbortSignal,
): Promise<Entry[]> {
  if (!readable.length) return [];
  const fields = {
    ...ALL_TIMES,
    query: `log:"${logId}" leaf:${leaf}`,
    streams: readable,
    page_size: MOST_CLAIMS,
    include_proofs: includesProofs,
  };
  const claims: Entry[] = [];
  for (let page: string | undefined = ""; page !== undefined && claims.length < MOST_CLAIMS; ) {
    const answer: SearchAnswer = await get("/api/v1/search", { ...fields, page_token: page }, signal);
    claims.push(...answer.entries.map(entryOf));
    page = answer.nextPageToken || undefined;
  }
  return claims;
}

/** The claims, of which that comes first whose evidence is with the proof. */
function inOrder(claims: readonly Entry[], proved: Evidence | undefined): Entry[] {
  const isProved = (claim: Entry) => Number(claim.evidence?.recordHash === proved?.recordHash);
  return [...claims].sort((one, other) => isProved(other) - isProved(one));
}

/** The claim with its proof, as if the search had been asked for it: marks of entries check it, too. */
function withProof(claim: Entry, { record, path, checkpoint, treeSize, evidence: proved }: InclusionProof): Entry {
  const { evidence } = claim;
  if (!evidence || evidence.recordHash !== proved?.recordHash) return claim;
  // A search proves a record by the checkpoint of its batch, and this proof is by a later one.
  const proof = { canonicalRecord: record, inclusionPath: path, checkpoint, treeSize };
  return { ...claim, evidence: { ...evidence, ...proof } };
}

/** Find what a reader may see who may search, but not ask for proofs. */
async function withoutProofs(wanted: Wanted, readable: readonly Stream[], signal: AbortSignal): Promise<Found> {
  const claims = await claimsOf(wanted, readable, true, signal);
  if (!claims.length) return { kind: "not shown" };
  const proved = claims.find(({ evidence }) => evidence?.checkpoint);
  const proof = proved?.evidence && (await proofWithin(proved.evidence));
  return {
    kind: "found",
    claims: distinct([], inOrder(claims, proved?.evidence)),
    proof,
    problem: { kind: "limited" },
  };
}

/** The proof that an evidence has in it, in the form of the answer about a proof. */
async function proofWithin(evidence: Evidence): Promise<InclusionProof> {
  const hash = bytesOfHex(evidence.recordHash);
  return {
    origin: evidence.origin,
    logId: evidence.logId,
    leafIndex: evidence.leafIndex,
    treeSize: evidence.treeSize,
    leafHash: base64Of(await leafHash(hash)),
    path: evidence.inclusionPath,
    checkpoint: evidence.checkpoint,
    verifierKeys: [],
    tlogProof: "",
    record: evidence.canonicalRecord,
    evidence,
    keyChanges: [],
    timestamp: "",
  };
}

async function missing({ logId }: Wanted, signal: AbortSignal): Promise<Found> {
  try {
    const { origin, treeSize } = await get<Checkpoint>(`/api/v1/logs/${logId}/checkpoint`, {}, signal);
    return { kind: "beyond", origin, size: BigInt(treeSize) };
  } catch (error) {
    if (error instanceof ApiError && error.code === "NOT_FOUND") return { kind: "no log" };
    throw error;
  }
}
