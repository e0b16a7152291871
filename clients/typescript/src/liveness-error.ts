import type { ErrorCause, ErrorCode, ErrorReply } from "./openapi.js";

/**
 * The app's codes, and two of the client's own: `NetworkError` where no whole answer came, and
 * `UnexpectedReply` where it was not the app that answered.
 */
export type LivenessErrorCode = ErrorCode | "NetworkError" | "UnexpectedReply";

interface Facts {
  status?: number;
  retryAfterSeconds?: number | undefined;
  target?: string | undefined;
  details?: ErrorCause[] | undefined;
  requestId?: string | null;
  cause?: unknown;
}

/** Why a call failed, by a stable code. */
export class LivenessError extends Error {
  override readonly name = "LivenessError";
  /** A newer app may have codes that are not in the type. */
  readonly code: LivenessErrorCode | (string & {});
  /** The HTTP status, null where no answer came. */
  readonly status: number | null;
  /** When the same call may succeed, null where waiting alone does not help. */
  readonly retryAfterSeconds: number | null;
  /** The field that is wrong. */
  readonly target: string | null;
  readonly details: readonly ErrorCause[];
  /** What the app's log knows the call by. */
  readonly requestId: string | null;

  constructor(code: LivenessErrorCode | (string & {}), message: string, facts: Facts = {}) {
    super(message, { cause: facts.cause });
    this.code = code;
    this.status = facts.status ?? null;
    this.retryAfterSeconds = facts.retryAfterSeconds ?? null;
    this.target = facts.target ?? null;
    this.details = facts.details ?? [];
    this.requestId = facts.requestId ?? null;
  }
}

/** Say what an answer that is no success means. */
export async function readError(response: Response): Promise<LivenessError> {
  const { status, headers } = response;
  const reply = parse(await response.text());
  const said = `${response.url} answered HTTP ${status}, and not why.`;
  const { code, message = said, target, details } = reply?.error ?? {};
  return new LivenessError(code ?? codeOf(status), message, {
    status,
    target,
    details,
    retryAfterSeconds: reply?.retryAfterSeconds ?? secondsIn(headers.get("Retry-After")),
    requestId: headers.get("x-ms-request-id"),
  });
}

/** Whether the same call may succeed if it is made again. */
export function isTransient(error: unknown): error is LivenessError {
  if (!(error instanceof LivenessError)) return false;
  return (
    error.code === "NetworkError" ||
    error.retryAfterSeconds !== null ||
    // Of the app's own answers with these statuses, only this one does not pass by itself.
    ([429, 502, 503, 504].includes(error.status ?? 0) && error.code !== "FaceRefused")
  );
}

// The platform refuses a wrong function key itself, without a body.
function codeOf(status: number): LivenessErrorCode {
  return status === 401 ? "Unauthorized" : "UnexpectedReply";
}

function parse(text: string): Partial<ErrorReply> | null {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" ? body : null;
  } catch {
    return null;
  }
}

function secondsIn(header: string | null): number | undefined {
  return header !== null && /^\d+$/.test(header) ? Number(header) : undefined;
}
