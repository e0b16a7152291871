import type { CreateBody, ResultReply, StartReply } from "./openapi.js";
import { type Call, Http, type HttpOptions, jsonBody, readBlob, readJson } from "./http.js";

/** A function key, or what gives an Entra access token, asked for before each call. */
export type ServerCredential =
  { key: string; token?: never } | { token: () => string | Promise<string>; key?: never };

export type ServerOptions = HttpOptions & ServerCredential;

export interface ServerCallOptions {
  signal?: AbortSignal | undefined;
}

export interface StartRequest extends CreateBody {
  /** The reference image, which makes it a check with verify: JPEG, PNG, GIF or BMP. */
  verifyImage?: Blob | Uint8Array;
}

export interface StartOptions extends ServerCallOptions {
  /** With the same key, the same start may be made again without a second session. */
  idempotencyKey?: string;
}

/** What your server may ask. Each call is made once: repeating it is up to you. */
export class ServerClient {
  readonly #http: Http;

  constructor({ key, token, ...options }: ServerOptions) {
    const credential =
      token === undefined
        ? async () => ({ "x-functions-key": key })
        : async () => ({ Authorization: `Bearer ${await token()}` });
    this.#http = new Http({ requestTimeoutSeconds: 30, ...options }, credential);
  }

  /** Open a session; `sessionId`, `sessionToken` and `authToken` are for the frontend. */
  async start(request: StartRequest, options: StartOptions = {}): Promise<StartReply> {
    const { idempotencyKey, signal } = options;
    const { headers = {}, body } = bodyOf(request);
    if (idempotencyKey !== undefined) headers["Idempotency-Key"] = idempotencyKey;
    return await this.#http.send(
      { method: "POST", path: "/sessions", headers, body, signal },
      readJson<StartReply>,
    );
  }

  /** Read how a session ended; before its end that is the error `SessionNotFinal`. */
  async result(sessionId: string, { signal }: ServerCallOptions = {}): Promise<ResultReply> {
    const path = `${pathOf(sessionId)}/result`;
    return await this.#http.send({ method: "GET", path, signal }, readJson<ResultReply>);
  }

  /** Read the result and mark it as used, once; for another consumer it is `ResultConsumed`. */
  async consume(
    sessionId: string,
    consumer: string,
    { signal }: ServerCallOptions = {},
  ): Promise<ResultReply> {
    const path = `${pathOf(sessionId)}/result/consume`;
    return await this.#http.send(
      { method: "POST", path, ...jsonBody({ consumer }), signal },
      readJson<ResultReply>,
    );
  }

  /** Fetch the session image, a JPEG; where there is none that is the error `ImageNotFound`. */
  async image(sessionId: string, { signal }: ServerCallOptions = {}): Promise<Blob> {
    const path = `${pathOf(sessionId)}/image`;
    return await this.#http.send({ method: "GET", path, signal }, readBlob);
  }
}

function pathOf(sessionId: string): string {
  return `/sessions/${encodeURIComponent(sessionId)}`;
}

function bodyOf({ verifyImage, ...fields }: StartRequest): Pick<Call, "headers" | "body"> {
  if (verifyImage === undefined) return jsonBody(fields);
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && value !== null) form.append(name, String(value));
  }
  const image = verifyImage instanceof Blob ? verifyImage : new Blob([verifyImage as BlobPart]);
  // Its name is never looked at, but must be there.
  form.append("verifyImage", image, "verifyImage");
  return { body: form };
}
