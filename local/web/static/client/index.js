/** What the page needs of the TypeScript client, for where that is not built: same names, same use. */
export class FrontendClient {
  #url;
  #headers;

  constructor({ baseUrl, sessionId, sessionToken }) {
    this.#url = `${baseUrl}/api/sessions/${encodeURIComponent(sessionId)}`;
    this.#headers = { "X-Session-Token": sessionToken };
  }

  /** Say what the SDK said, and follow the session while it is `processing`, for a minute at most. */
  async complete(report = {}) {
    let told = await this.#send("/complete", {
      method: "POST",
      headers: { ...this.#headers, "Content-Type": "application/json" },
      body: JSON.stringify(report),
    });
    for (let tries = 0; told.status === "processing" && tries < 30; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 1000 * (told.retryAfterSeconds ?? 2)));
      told = await this.status();
    }
    return told;
  }

  async status() {
    return await this.#send("", { headers: this.#headers });
  }

  async cancel() {
    await this.#send("", { method: "DELETE", headers: this.#headers });
  }

  async #send(path, request) {
    const response = await fetch(this.#url + path, request).catch(() => {
      throw new Error("No whole answer came.");
    });
    const body = response.status === 204 ? null : await response.json();
    if (!response.ok) throw new Error(body.error.message);
    return body;
  }
}

/** The client has a guide of what to tell people; here there is none. */
export function guide() {
  return null;
}
