/** What measures and waits. */
export interface Clock {
  /** In milliseconds. */
  now(): number;
  /** Rejects with the signal's reason when it is aborted. */
  wait(seconds: number, signal?: AbortSignal): Promise<void>;
}

export const realClock: Clock = {
  now: () => Date.now(),
  wait: async (seconds, signal) => {
    throwIfAborted(signal);
    await new Promise<void>((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", end);
        resolve();
      };
      const timer = setTimeout(end, seconds * 1000);
      signal?.addEventListener("abort", end);
    });
    throwIfAborted(signal);
  },
};

/** As the signal's own method, which React Native does not have. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw signal.reason ?? new Error("The call was aborted.");
}
