/** A clock on which time passes only by waiting, and which remembers the waits. */
export class TestClock {
  readonly waits: number[] = [];
  #now = 0;
  #onWait: () => void;

  constructor(onWait: () => void = () => {}) {
    this.#onWait = onWait;
  }

  now(): number {
    return this.#now;
  }

  async wait(seconds: number, signal?: AbortSignal): Promise<void> {
    this.waits.push(seconds);
    this.#now += seconds * 1000;
    this.#onWait();
    signal?.throwIfAborted();
  }
}
