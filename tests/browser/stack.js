/** A whole stack for the tests: `up` on free ports, with a state that is thrown away. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

const root = new URL("../..", import.meta.url).pathname;
const python = join(root, ".venv", "bin", "python");
const program = `
import sys
from local.ports import Ports
from local.__main__ import main
sys.exit(main(["up", "--state", sys.argv[1], "--port", str(Ports.free().base)]))
`;

/** Start it; `stop` ends it. */
export async function startStack() {
  const state = await mkdtemp(join(tmpdir(), "face-liveness-"));
  const up = spawn(python, ["-c", program, state], {
    cwd: root,
    env: { ...process.env, SESSION_IMAGE: "allow" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = [];
  up.stderr.on("data", (text) => said.push(text));
  const [line = ""] = await Promise.race([
    once(createInterface({ input: up.stdout }), "line"),
    once(up, "exit").then(() => []),
  ]);
  if (!line.startsWith("ready ")) throw new Error(`the stack did not start:\n${said.join("")}`);
  const base = Number(new URL(line.slice(6)).port);
  return {
    pageUrl: `http://127.0.0.1:${base + 8}`,
    appUrl: `http://127.0.0.1:${base}`,
    stop: async () => {
      up.kill("SIGTERM");
      if (up.exitCode === null) await once(up, "exit");
      await rm(state, { recursive: true, force: true });
    },
  };
}
