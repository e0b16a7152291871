import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import type { CompletionBody } from "@face-liveness-functions/client";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const PYTHON = join(ROOT, ".venv/bin/python");

/** The app and its stand-ins for Azure, as `make run` has them. */
export class Stack {
  readonly baseUrl: string;
  readonly #face: string;

  constructor(port: number) {
    this.baseUrl = `http://127.0.0.1:${port}`;
    this.#face = `http://127.0.0.1:${port + 1}`;
  }

  /** Play the device once, and give what the SDK gives the frontend. */
  async play(authToken: string, outcome: string, more: object = {}): Promise<CompletionBody> {
    const headers = { Authorization: `Bearer ${authToken}` };
    const response = await this.#post("attempts", { outcome, ...more }, headers);
    if (response.status === 401) return { livenessError: "InvalidToken" };
    return (await response.json()) as CompletionBody;
  }

  async fail(operation: string, times: number, status: number): Promise<void> {
    await this.#post("faults", { operation, times, status });
  }

  /** Let time pass. */
  async skip(seconds: number): Promise<void> {
    await this.#post("clock", { advanceSeconds: seconds });
  }

  /** Have done what is due, again and again, for a sweep under way does not notice another call. */
  async sweepUntil(isDone: () => Promise<boolean>): Promise<void> {
    const headers = { "x-functions-key": "local-master-key", "Content-Type": "application/json" };
    const sweep = `${this.baseUrl}/admin/functions/sweep_stale_sessions`;
    while (!(await isDone())) {
      await fetch(sweep, { method: "POST", headers, body: "{}" });
      await setTimeout(200);
    }
  }

  async #post(control: string, body: object, headers: object = {}): Promise<Response> {
    return await fetch(`${this.#face}/simulator/${control}`, {
      method: "POST",
      headers: { "Content-Type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  }
}

/** Start it on free ports, with a state of its own, for as long as this file's tests run. */
export async function startStack(): Promise<Stack> {
  const ports = "from local.ports import Ports; print(Ports.free().base)";
  const port = execFileSync(PYTHON, ["-c", ports], { cwd: ROOT, encoding: "utf8" }).trim();
  const state = mkdtempSync(join(tmpdir(), "face-liveness-client-"));
  const words = ["-m", "local", "up", "--port", port, "--state", state];
  const up = spawn(PYTHON, words, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(up, "exit");
  after(async () => {
    up.kill("SIGTERM");
    await ended;
    rmSync(state, { recursive: true, force: true });
  });
  let told = "";
  up.stderr.setEncoding("utf8").on("data", (text: string) => (told += text));
  const ready = once(createInterface({ input: up.stdout }), "line");
  await Promise.race([ready, ended.then(() => Promise.reject(new Error(told)))]);
  return new Stack(Number(port));
}
