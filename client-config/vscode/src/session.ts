// One server for this window: found, started, watched, restarted.
import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import * as vscode from "vscode";
import { ExecuteCommandRequest, State as ClientState } from "vscode-languageclient/node";
import { FillmaskClient, SELECTOR } from "./client.ts";
import { expanded, findServer, type Found, type Machine } from "./finding.ts";
import { reason } from "./installing.ts";
import { activePython } from "./python.ts";
import { Restarts } from "./restarts.ts";
import { EngineToken } from "./token.ts";
import { compatible, type ServerStatus, type State } from "./state.ts";
import { traceChannel } from "./trace.ts";

/** Milliseconds that a server may take to answer its first request; on a busy machine, Python is slow to start. */
const PATIENCE = 90_000;

export const MACHINE: Machine = {
  platform: process.platform,
  home: homedir(),
  path: process.env["PATH"] ?? "",
  isFile: async (path) => {
    try {
      return (await stat(path)).isFile();
    } catch {
      return false;
    }
  },
};

interface Manifest {
  readonly version: string;
  readonly capabilities: { readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] } };
}

export class Session implements vscode.Disposable {
  readonly token: EngineToken;
  readonly output = vscode.window.createOutputChannel("fillmask", { log: true });
  readonly #disposables: { dispose(): unknown }[] = [];
  readonly #trace = traceChannel(this.output, this.#disposables);
  readonly #changed = new vscode.EventEmitter<State>();
  readonly #manifest: Manifest;
  readonly #ownEnvironment: string;
  #client: FillmaskClient | undefined;
  #work: Promise<void> = Promise.resolve();
  #state: State = { kind: "idle" };

  constructor(context: vscode.ExtensionContext) {
    this.token = new EngineToken(context.secrets);
    this.#manifest = context.extension.packageJSON as Manifest;
    this.#ownEnvironment = vscode.Uri.joinPath(context.globalStorageUri, "server").fsPath;
  }

  readonly onDidChange = this.#changed.event;

  get state(): State {
    return this.#state;
  }

  /** The version of this extension, and so of the servers that it understands. */
  get version(): string {
    return this.#manifest.version;
  }

  /** The folder of the environment that this extension makes for the server. */
  get ownEnvironment(): string {
    return this.#ownEnvironment;
  }

  /** Settings that a workspace without trust has no say in. */
  get restricted(): readonly string[] {
    return this.#manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
  }

  /** Starts the server, if it is not started; returns when it answers, or when it is known that it doesn't. */
  start(): Promise<void> {
    return this.#next(async () => {
      if (this.#client === undefined) await this.#start();
    });
  }

  restart(): Promise<void> {
    return this.#next(async () => {
      await this.#stop();
      await this.#start();
    });
  }

  /** Restarts a server that was started, if another would be found now. */
  async reconsider(): Promise<void> {
    if (this.#state.kind === "idle" || this.#state.kind === "installing") return;
    const found = await this.find();
    const now = this.#state.kind === "running" ? this.#state.command : undefined;
    if (now === undefined || !("command" in found) || found.command !== now) await this.restart();
  }

  /** Stops the server, does the work meanwhile, and starts it again. */
  install(work: () => Promise<void>): Promise<void> {
    return this.#next(async () => {
      await this.#stop();
      this.#become({ kind: "installing" });
      try {
        await work();
      } finally {
        await this.#start();
      }
    });
  }

  /** Where the server is, by the settings of now. */
  find(): Promise<Found> {
    const settings = vscode.workspace.getConfiguration("fillmask.server");
    return findServer(MACHINE, {
      path: settings.get("path", "").trim(),
      python: settings.get("python", "").trim(),
      activePython,
      ownEnvironment: this.#ownEnvironment,
    });
  }

  /** The Python of the settings, if there is one. */
  get python(): string {
    return expanded(MACHINE, vscode.workspace.getConfiguration("fillmask.server").get("python", "").trim());
  }

  /**
   * The server's answer to one of its commands.
   *
   * @throws what the server said against it; or that there is no server.
   */
  async request(command: string, argument: object, token?: vscode.CancellationToken): Promise<unknown> {
    await this.start();
    if (this.#client?.isRunning() !== true) {
      throw new Error(this.#state.kind === "missing" || this.#state.kind === "failed" ? this.#state.why : "The server is not running.");
    }
    return this.#client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] }, token);
  }

  /** Whether a document is one that the server reads. */
  static reads(document: vscode.TextDocument): boolean {
    return vscode.languages.match(SELECTOR, document) > 0;
  }

  async stop(): Promise<void> {
    await this.#next(() => this.#stop());
  }

  dispose(): void {
    for (const one of this.#disposables) one.dispose();
    this.#changed.dispose();
    this.output.dispose();
  }

  /** One thing after the other: a server is not stopped while it starts. */
  #next(work: () => Promise<void>): Promise<void> {
    const turn = this.#work.then(work);
    this.#work = turn.catch((error: unknown) => {
      this.output.error(String(error));
    });
    return this.#work;
  }

  #become(state: State): void {
    this.#state = state;
    void vscode.commands.executeCommand("setContext", "fillmask.running", state.kind === "running");
    this.#changed.fire(state);
  }

  async #start(): Promise<void> {
    this.#become({ kind: "starting" });
    const found = await this.find();
    if ("missing" in found) {
      this.output.warn(found.missing);
      this.#become({ kind: "missing", why: found.missing });
      return;
    }
    this.output.info(`Starting ${found.command}`);
    const client = new FillmaskClient({
      command: found.command,
      arguments: vscode.workspace.getConfiguration("fillmask.server").get("arguments", []),
      output: this.output,
      trace: this.#trace,
      restarts: new Restarts(),
      restricted: this.restricted,
      token: await this.#knownToken(),
    });
    this.#client = client;
    client.onNotification("fillmask/status", (status: ServerStatus) => {
      if (this.#client === client) this.#become({ kind: "running", status, command: found.command });
    });
    client.onDidChangeState(({ oldState, newState }) => {
      if (this.#client !== client || oldState !== ClientState.Running) return;
      if (newState === ClientState.Starting) this.#become({ kind: "starting" });
      if (newState === ClientState.Stopped) void this.#lost(client);
    });
    try {
      await inTime(client.start());
      const status = (await this.#ask(client)) as ServerStatus;
      this.#become({ kind: "running", status, command: found.command });
      if (!compatible(status.version, this.version)) this.#warn(status.version);
    } catch (error) {
      client.kill();
      await this.#fail(client, `fillmask-ls could not be started: ${client.lastWords.length > 0 ? reason(client.lastWords.join("\n")) : plainly(error)}`);
    }
  }

  /** The shared engine's token, where the server may know it. */
  async #knownToken(): Promise<string | undefined> {
    if (!vscode.workspace.isTrusted) return undefined;
    try {
      return await this.token.get();
    } catch {
      this.output.warn("The editor's secret store can't be read: a shared engine gets no token from there.");
      return undefined;
    }
  }

  #ask(client: FillmaskClient): Promise<unknown> {
    return client.sendRequest(ExecuteCommandRequest.type, { command: "fillmask.status", arguments: [] });
  }

  async #lost(client: FillmaskClient): Promise<void> {
    // A restart by the client goes through the same state.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (this.#client !== client || client.state === ClientState.Starting || client.isRunning()) return;
    await this.#fail(client, "fillmask-ls ended several times within minutes and is not started again.");
  }

  async #fail(client: FillmaskClient, why: string): Promise<void> {
    if (this.#client === client) this.#client = undefined;
    await client.dispose().catch(() => undefined);
    this.output.error(why);
    this.#become({ kind: "failed", why });
  }

  #warn(version: string): void {
    const warning = `This extension is made for fillmask-ls ${this.version}, and ${version} answers.`;
    this.output.warn(warning);
    void vscode.window.showWarningMessage(`fillmask: ${warning} Install the two in the same version.`);
  }

  async #stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    try {
      await client.dispose();
    } catch {
      client.kill();
    }
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`no answer in ${String(PATIENCE / 1000)} seconds`));
    }, PATIENCE);
  });
  return Promise.race([work, tooLate]).finally(() => {
    clearTimeout(timer);
  });
}

function plainly(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
