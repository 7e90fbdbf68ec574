/** Limits how often a crashed server is restarted, so that one that always crashes isn't restarted forever. */
export class RestartLimiter {
  readonly #maxRestarts: number;
  readonly #window: number;
  readonly #now: () => number;
  #times: number[] = [];

  /**
   * @param maxRestarts the number of restarts allowed within the window.
   * @param window in milliseconds.
   * @param now the clock, in milliseconds.
   */
  constructor(maxRestarts = 3, window = 180_000, now: () => number = Date.now) {
    this.#maxRestarts = maxRestarts;
    this.#window = window;
    this.#now = now;
  }

  /** Return whether a restart is allowed now, and count it if so. */
  tryRestart(): boolean {
    const now = this.#now();
    this.#times = this.#times.filter((time) => now - time < this.#window);
    if (this.#times.length >= this.#maxRestarts) return false;
    this.#times.push(now);
    return true;
  }
}
