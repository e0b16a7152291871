import { type Clock, realClock } from "./clock.js";
import type { CompleteReply, CompletionBody, StatusReply } from "./openapi.js";
import { follow } from "./follow.js";
import { Http, type HttpOptions, jsonBody, readJson, readNothing } from "./http.js";

export interface FrontendOptions extends HttpOptions {
  /** Both come from your server, which has them of `ServerClient.start`. */
  sessionId: string;
  sessionToken: string;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

export interface CompleteOptions extends CallOptions {
  /** How long to try and to follow; 60 unless told. */
  timeoutSeconds?: number;
}

/** What a frontend may ask about its own session; it never learns an outcome. */
export class FrontendClient {
  readonly #http: Http;
  readonly #path: string;
  readonly #clock: Clock;

  /** The clock is for tests. */
  constructor({ sessionId, sessionToken, ...options }: FrontendOptions, clock: Clock = realClock) {
    this.#http = new Http(options, async () => ({ "X-Session-Token": sessionToken }));
    this.#path = `/sessions/${encodeURIComponent(sessionId)}`;
    this.#clock = clock;
  }

  /**
   * Say that the check is over, with the very object that the SDK gave, be it a success or a
   * failure, and follow the session until it is no longer `processing`.
   *
   * `started`: the person may try again with the same tokens. `processing`: the time is up, and
   * the app goes on by itself. No answer at all in that time: a `NetworkError`.
   */
  async complete(
    report?: CompletionBody,
    { signal, timeoutSeconds = 60 }: CompleteOptions = {},
  ): Promise<CompleteReply> {
    return await follow(
      () => this.#report(report, signal),
      () => this.status({ signal }),
      { clock: this.#clock, timeoutSeconds, signal },
    );
  }

  /** Tell where the session is. */
  async status({ signal }: CallOptions = {}): Promise<StatusReply> {
    return await this.#http.send(
      { method: "GET", path: this.#path, signal },
      readJson<StatusReply>,
    );
  }

  /** Give the session up; a check that has finished keeps its verdict. */
  async cancel({ signal }: CallOptions = {}): Promise<void> {
    await this.#http.send({ method: "DELETE", path: this.#path, signal }, readNothing);
  }

  async #report(
    report: CompletionBody | undefined,
    signal: AbortSignal | undefined,
  ): Promise<CompleteReply> {
    const path = `${this.#path}/complete`;
    const body = report === undefined ? {} : jsonBody(report);
    return await this.#http.send(
      { method: "POST", path, ...body, signal },
      readJson<CompleteReply>,
    );
  }
}
