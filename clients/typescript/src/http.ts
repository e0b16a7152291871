import { throwIfAborted } from "./clock.js";
import { LivenessError, readError } from "./liveness-error.js";

type HeaderFields = Record<string, string>;

export interface HttpOptions {
  /** Where the app is, with `/api` or without: `https://<app>.azurewebsites.net`. */
  baseUrl: string;
  /** How long one request may take. */
  requestTimeoutSeconds?: number;
}

export interface Call {
  method: "GET" | "POST" | "DELETE";
  path: string;
  headers?: HeaderFields;
  body?: string | FormData;
  signal?: AbortSignal | undefined;
}

/** Makes calls to the app; a failure is a LivenessError, an abort the signal's own reason. */
export class Http {
  readonly #url: string;
  readonly #timeoutSeconds: number;
  readonly #credential: () => Promise<HeaderFields>;

  constructor(
    { baseUrl, requestTimeoutSeconds = 15 }: HttpOptions,
    credential: () => Promise<HeaderFields>,
  ) {
    this.#url = `${baseUrl.replace(/(\/api)?\/*$/, "")}/api`;
    this.#timeoutSeconds = requestTimeoutSeconds;
    this.#credential = credential;
  }

  async send<T>(call: Call, read: (response: Response) => Promise<T>): Promise<T> {
    const headers = { ...call.headers, ...(await this.#credential()) };
    throwIfAborted(call.signal);
    const ending = new AbortController();
    const end = () => ending.abort();
    const timer = setTimeout(end, this.#timeoutSeconds * 1000);
    call.signal?.addEventListener("abort", end);
    const url = this.#url + call.path;
    try {
      const request = requestOf({ ...call, headers }, ending.signal);
      const response = await fetch(url, request);
      if (!response.ok) throw await readError(response);
      return await read(response);
    } catch (cause) {
      if (cause instanceof LivenessError) throw cause;
      throwIfAborted(call.signal);
      throw new LivenessError("NetworkError", `No whole answer came from ${url}.`, { cause });
    } finally {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", end);
    }
  }
}

/** Say a value as JSON. */
export function jsonBody(value: object): Pick<Call, "headers" | "body"> {
  return { headers: { "Content-Type": "application/json" }, body: JSON.stringify(value) };
}

export async function readJson<T>(response: Response): Promise<T> {
  const text = await response.text();
  try {
    return JSON.parse(text) as T;
  } catch {
    const { status } = response;
    throw new LivenessError("UnexpectedReply", `It is not the app at ${response.url}.`, { status });
  }
}

export async function readBlob(response: Response): Promise<Blob> {
  return await response.blob();
}

/** Read to the end all the same, which frees the connection. */
export async function readNothing(response: Response): Promise<void> {
  await response.arrayBuffer();
}

function requestOf({ method, headers = {}, body }: Call, signal: AbortSignal): RequestInit {
  return {
    method,
    headers,
    body: body ?? null,
    signal,
    cache: "no-store",
    credentials: "omit",
    // Another host must not be handed the key or the token.
    redirect: "error",
  };
}
