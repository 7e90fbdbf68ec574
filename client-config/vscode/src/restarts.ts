/** How often a server that ends unexpectedly is started again: a few times, not for ever. */
export class Restarts {
  readonly #most: number;
  readonly #within: number;
  readonly #now: () => number;
  #times: number[] = [];

  constructor(most = 3, within = 180_000, now: () => number = Date.now) {
    this.#most = most;
    this.#within = within;
    this.#now = now;
  }

  /** Whether to start it once more; counts as started if so. */
  again(): boolean {
    const now = this.#now();
    this.#times = this.#times.filter((time) => now - time < this.#within);
    if (this.#times.length >= this.#most) return false;
    this.#times.push(now);
    return true;
  }
}
