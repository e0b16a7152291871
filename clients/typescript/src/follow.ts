import type { Clock } from "./clock.js";
import type { CompleteReply } from "./openapi.js";
import { isTransient, LivenessError } from "./liveness-error.js";

const MAX_PAUSE_SECONDS = 8;

interface Bounds {
  clock: Clock;
  timeoutSeconds: number;
  signal: AbortSignal | undefined;
}

/** Report until the app has heard it, then ask until the session is no longer `processing`. */
export async function follow(
  report: () => Promise<CompleteReply>,
  ask: () => Promise<CompleteReply>,
  { clock, timeoutSeconds, signal }: Bounds,
): Promise<CompleteReply> {
  const end = clock.now() + timeoutSeconds * 1000;
  let known: CompleteReply | undefined;
  for (let failures = 0; ;) {
    const step = await attempt(known ? ask : report);
    if (step instanceof LivenessError) {
      failures += 1;
    } else {
      if (step.status !== "processing") return step;
      known = step;
      failures = 0;
    }
    const pause = pauseAfter(step, failures);
    if (clock.now() + pause * 1000 > end) {
      if (known) return known;
      throw step;
    }
    await clock.wait(pause, signal);
  }
}

async function attempt<T>(call: () => Promise<T>): Promise<T | LivenessError> {
  try {
    return await call();
  } catch (error) {
    if (isTransient(error)) return error;
    throw error;
  }
}

function pauseAfter(step: CompleteReply | LivenessError, failures: number): number {
  const backoff = Math.min(2 ** (failures - 1), MAX_PAUSE_SECONDS);
  return Math.max(step.retryAfterSeconds ?? backoff, 1);
}
