// The token of a shared engine: it is in the editor's secret store, and nowhere else.
import type { Disposable, SecretStorage } from "vscode";

const KEY = "engineToken";

export class EngineToken {
  readonly #secrets: SecretStorage;

  constructor(secrets: SecretStorage) {
    this.#secrets = secrets;
  }

  /** @throws what the store said, where it can't be read. */
  async get(): Promise<string | undefined> {
    return this.#secrets.get(KEY);
  }

  /** Keeps a token in place of the one before; an empty one forgets that. */
  async set(token: string): Promise<void> {
    await (token === "" ? this.#secrets.delete(KEY) : this.#secrets.store(KEY, token));
  }

  /** Calls back when it is another one, in whatever window it was set. */
  onDidChange(callback: () => void): Disposable {
    return this.#secrets.onDidChange(({ key }) => {
      if (key === KEY) callback();
    });
  }
}
