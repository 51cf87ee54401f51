/** Calls of the server's own API, as every other client makes them. */

import { learnTime } from "./clock";

/** Values of a request's fields; those that are undefined, empty or false are left out. */
export type Fields = Record<string, string | number | boolean | readonly string[] | undefined>;

/** An answer of the API that is an error. */
export class ApiError extends Error {
  /**
   * @param status status of HTTP; 0 if the server was not reached
   * @param code name of the gRPC status, such as INVALID_ARGUMENT
   * @param message sentence for people
   * @param hasLoginPage true if the server says that readers log in at /login
   */
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hasLoginPage = false,
  ) {
    super(message);
    this.name = "ApiError";
  }

  /** True if the reader has to log in first. */
  get needsLogin(): boolean {
    return this.status === 401;
  }

  /** True if the reader's roles do not permit the call. */
  get isForbidden(): boolean {
    return this.status === 403;
  }
}

/** The path of a call with its fields as the query of the URL. */
export function pathOf(path: string, fields: Fields = {}): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || value === "" || value === false) continue;
    const text = typeof value === "object" ? value.join(",") : String(value);
    if (text !== "") query.set(name, text);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Call with GET, and return the answer. Throws ApiError, or an AbortError after the signal. */
export async function get<T>(path: string, fields: Fields = {}, signal?: AbortSignal): Promise<T> {
  const response = await request(pathOf(path, fields), { signal });
  return jsonOf<T>(response);
}

async function jsonOf<T>(response: Response): Promise<T> {
  try {
    return (await response.json()) as T;
  } catch (error) {
    if (error instanceof SyntaxError) throw new ApiError(response.status, "UNKNOWN", "the answer is not JSON");
    throw failure(error);
  }
}

/** Call whose answer is a stream of JSON objects, one per line; `body` makes it a POST. Throws as `get`. */
export async function* lines<T>(path: string, signal: AbortSignal, body?: unknown): AsyncGenerator<T, void, void> {
  const response = await request(path, body === undefined ? { signal } : posted(body, signal));
  if (!response.body) return;
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      const parts = (rest + value).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) if (part) yield JSON.parse(part) as T;
    }
    if (rest) yield JSON.parse(rest) as T; // throws if the answer was cut
  } catch (error) {
    throw failure(error);
  } finally {
    reader.cancel().catch(() => undefined); // the stream may have failed already
  }
}

/** Fetch something that need not be JSON. Throws as `get`. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  let response: Response;
  const sent = Date.now();
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...init });
    learnTime(response.headers.get("Date"), sent, Date.now());
  } catch (error) {
    throw failure(error);
  }
  if (response.ok) return response;
  const text = await response.text().catch(() => "");
  throw errorOf(response.status, text);
}

function posted(body: unknown, signal?: AbortSignal): RequestInit {
  // Pages of other sites cannot send this type, so the server knows that this page does (CSRF).
  return { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal };
}

/** The error that an answer's body describes. */
function errorOf(status: number, body: string): ApiError {
  try {
    const { code, message, login } = JSON.parse(body) as Record<string, unknown>;
    if (typeof code === "string" && typeof message === "string") {
      return new ApiError(status, code, message, login === true);
    }
  } catch {
    // Answers of proxies are not JSON.
  }
  return new ApiError(status, "UNKNOWN", body.trim().slice(0, 500) || `the server answered with status ${status}`);
}

function failure(error: unknown): unknown {
  if (error instanceof DOMException && error.name === "AbortError") return error;
  return new ApiError(0, "UNAVAILABLE", "the server cannot be reached, or it ended the answer: try again");
}

/** Return whether an error only says that nobody waits for the answer any more. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
