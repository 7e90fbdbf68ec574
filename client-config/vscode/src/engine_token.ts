// The token of a shared engine, kept only in the editor's secret store.
import type { Disposable, SecretStorage } from "vscode";

const KEY = "engineToken";

export class EngineToken {
  readonly #secrets: SecretStorage;

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
  }

  /**
   * Return the stored token.
   *
   * @throws if the secret store can't be read.
   */
  async get(): Promise<string | undefined> {
    return this.#secrets.get(KEY);
  }

  /** Replace the stored token. An empty token deletes it. */
  async set(token: string): Promise<void> {
    await (token === "" ? this.#secrets.delete(KEY) : this.#secrets.store(KEY, token));
  }

  /** Call back when the token changes, in this window or in another one. */
  onDidChange(callback: () => void): Disposable {
    return this.#secrets.onDidChange(({ key }) => {
      if (key === KEY) callback();
    });
  }
}
