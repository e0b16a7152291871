import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";

export interface Answer {
  status: number;
  headers?: Record<string, string>;
  /** An object goes as JSON, a text as it is. */
  body?: object | string;
}

/** What happens to a request: an answer, a connection that breaks, or nothing at all. */
export type Step = Answer | "reset" | "silence";

export interface Received {
  call: string;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

export interface App {
  baseUrl: string;
  received: Received[];
}

/** Serve real HTTP by a script, a step a request. */
export async function serve(context: TestContext, ...steps: Step[]): Promise<App> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const step = steps[received.length] ?? { status: 500, body: "the script is over" };
    const entry = { call: `${request.method} ${request.url}`, headers: request.headers };
    const number = received.push({ ...entry, body: Buffer.alloc(0) }) - 1;
    received[number]!.body = Buffer.concat(await request.toArray());
    if (step === "reset") request.socket.destroy();
    else if (step !== "silence") answer(response, step);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${port}`, received };
}

export function refusal(status: number, code: string, more: object = {}): Answer {
  return { status, body: { error: { code, message: "In words." }, ...more } };
}

function answer(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  const isText = typeof body === "string";
  response.writeHead(status, {
    "Content-Type": isText ? "text/html" : "application/json",
    ...headers,
  });
  response.end(body === undefined || isText ? body : JSON.stringify(body));
}
