// The server of this window: locate, start, restart and stop it, and report its state.
import { stat } from "node:fs/promises";
import { homedir } from "node:os";
import * as vscode from "vscode";
import { ExecuteCommandRequest, State as ClientState } from "vscode-languageclient/node";
import { FillmaskClient, SELECTOR } from "./client.ts";
import { EngineToken } from "./engine_token.ts";
import { errorLine } from "./install_plan.ts";
import { expandHome, isInEnvironment, locateServer, type Location, type Machine } from "./locate_server.ts";
import { activePython } from "./python_extension.ts";
import { RestartLimiter } from "./restart_limiter.ts";
import { isCompatible, type ServerStatus, type State } from "./status.ts";
import { traceChannel } from "./trace_channel.ts";

/** How long the server may take to start, in milliseconds. On a busy machine, Python starts slowly. */
const START_TIMEOUT = 90_000;

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
  readonly #managedEnvironment: string;
  #client: FillmaskClient | undefined;
  #work: Promise<void> = Promise.resolve();
  #state: State = { kind: "idle" };

  constructor(context: vscode.ExtensionContext) {
    this.token = new EngineToken(context.secrets);
    this.#manifest = context.extension.packageJSON as Manifest;
    this.#managedEnvironment = vscode.Uri.joinPath(context.globalStorageUri, "server").fsPath;
  }

  readonly onDidChange = this.#changed.event;

  get state(): State {
    return this.#state;
  }

  /** The version of this extension, and of compatible servers. */
  get version(): string {
    return this.#manifest.version;
  }

  /** The virtual environment that this extension installs the server into. */
  get managedEnvironment(): string {
    return this.#managedEnvironment;
  }

  /** Whether the running server is the one that this extension installed. */
  get canUpdate(): boolean {
    return this.#state.kind === "running" && isInEnvironment(process.platform, this.#managedEnvironment, this.#state.command);
  }

  /** Full names of the settings that an untrusted workspace can't change. */
  get restricted(): readonly string[] {
    return this.#manifest.capabilities.untrustedWorkspaces.restrictedConfigurations;
  }

  /** Start the server if it isn't started. Resolve when it answers or has failed. */
  start(): Promise<void> {
    return this.#enqueue(async () => {
      if (this.#client === undefined) await this.#start();
    });
  }

  restart(): Promise<void> {
    return this.#enqueue(async () => {
      await this.#stop();
      await this.#start();
    });
  }

  /** Restart a started server if another one is located now. */
  async restartIfMoved(): Promise<void> {
    if (this.#state.kind === "idle" || this.#state.kind === "installing") return;
    const location = await this.locate();
    const current = this.#state.kind === "running" ? this.#state.command : undefined;
    if (current === undefined || !("command" in location) || location.command !== current) await this.restart();
  }

  /** Stop the server, run the installation, and start the server again. */
  install(work: () => Promise<void>): Promise<void> {
    return this.#enqueue(async () => {
      await this.#stop();
      this.#setState({ kind: "installing" });
      try {
        await work();
      } finally {
        await this.#start();
      }
    });
  }

  /** Locate the server by the current settings. */
  locate(): Promise<Location> {
    const settings = vscode.workspace.getConfiguration("fillmask.server");
    return locateServer(MACHINE, {
      path: settings.get("path", "").trim(),
      python: settings.get("python", "").trim(),
      activePython,
      managedEnvironment: this.#managedEnvironment,
    });
  }

  /** The setting `fillmask.server.python`; empty if unset. */
  get python(): string {
    return expandHome(MACHINE, vscode.workspace.getConfiguration("fillmask.server").get("python", "").trim());
  }

  /**
   * Execute a command of the server and return its answer.
   *
   * @throws if the server rejects the command or doesn't run.
   */
  async request(command: string, argument: object): Promise<unknown> {
    await this.start();
    if (this.#client?.isRunning() !== true) {
      throw new Error(this.#state.kind === "missing" || this.#state.kind === "failed" ? this.#state.message : "The server is not running. Restart it.");
    }
    return this.#client.sendRequest(ExecuteCommandRequest.type, { command, arguments: [argument] });
  }

  /** Return whether the server supports the document. */
  static supports(document: vscode.TextDocument): boolean {
    return vscode.languages.match(SELECTOR, document) > 0;
  }

  async stop(): Promise<void> {
    await this.#enqueue(() => this.#stop());
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
    this.#changed.dispose();
    this.output.dispose();
  }

  /** Run the work after all earlier work, so that the server isn't stopped while it starts. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    const next = this.#work.then(work);
    this.#work = next.catch((error: unknown) => {
      this.output.error(String(error));
    });
    return this.#work;
  }

  #setState(state: State): void {
    this.#state = state;
    void vscode.commands.executeCommand("setContext", "fillmask.running", state.kind === "running");
    this.#changed.fire(state);
  }

  async #start(): Promise<void> {
    this.#setState({ kind: "starting" });
    const location = await this.locate();
    if ("missing" in location) {
      this.output.warn(location.missing);
      this.#setState({ kind: "missing", message: location.missing });
      return;
    }
    this.output.info(`Starting ${location.command}`);
    const client = new FillmaskClient({
      command: location.command,
      arguments: vscode.workspace.getConfiguration("fillmask.server").get("arguments", []),
      output: this.output,
      trace: this.#trace,
      restarts: new RestartLimiter(),
      restricted: this.restricted,
      token: await this.#readToken(),
    });
    this.#client = client;
    client.onNotification("fillmask/status", (status: ServerStatus) => {
      if (this.#client === client) this.#setState({ kind: "running", status, command: location.command });
    });
    client.onDidChangeState(({ oldState, newState }) => {
      if (this.#client !== client || oldState !== ClientState.Running) return;
      if (newState === ClientState.Starting) this.#setState({ kind: "starting" });
      if (newState === ClientState.Stopped) void this.#handleStopped(client);
    });
    try {
      await withTimeout(client.start());
      const status = (await this.#requestStatus(client)) as ServerStatus;
      this.#setState({ kind: "running", status, command: location.command });
      if (!isCompatible(status.version, this.version)) void this.#warnIncompatible(status.version);
    } catch (error) {
      client.kill();
      const reason = client.stderrTail.length > 0 ? errorLine(client.stderrTail.join("\n")) : errorMessage(error);
      await this.#fail(client, `fillmask-ls failed to start. ${reason}`);
    }
  }

  /** Return the shared engine's token, in a trusted workspace. */
  async #readToken(): Promise<string | undefined> {
    if (!vscode.workspace.isTrusted) return undefined;
    try {
      return await this.token.get();
    } catch {
      this.output.warn("The editor's secret store can't be read, so a shared engine receives no token. Set the token again.");
      return undefined;
    }
  }

  #requestStatus(client: FillmaskClient): Promise<unknown> {
    return client.sendRequest(ExecuteCommandRequest.type, { command: "fillmask.status", arguments: [] });
  }

  async #handleStopped(client: FillmaskClient): Promise<void> {
    // The client passes through this state when it restarts the server, too.
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (this.#client !== client || client.state === ClientState.Starting || client.isRunning()) return;
    await this.#fail(client, "fillmask-ls crashed several times within three minutes, so it was not restarted. See the output.");
  }

  async #fail(client: FillmaskClient, message: string): Promise<void> {
    if (this.#client === client) this.#client = undefined;
    await client.dispose().catch(() => undefined);
    this.output.error(message);
    this.#setState({ kind: "failed", message });
  }

  async #warnIncompatible(version: string): Promise<void> {
    const warning = `This extension requires fillmask-ls ${this.version}, but version ${version} is installed.`;
    this.output.warn(warning);
    const remedy = this.canUpdate ? { title: "Update…", command: "fillmask.installServer" } : { title: "Locate…", command: "fillmask.chooseServer" };
    const chosen = await vscode.window.showWarningMessage(`fillmask: ${warning} Install the same version of both.`, remedy.title);
    if (chosen !== undefined) await vscode.commands.executeCommand(remedy.command);
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

async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`It did not answer within ${String(START_TIMEOUT / 1000)} seconds.`));
    }, START_TIMEOUT);
  });
  return Promise.race([work, timeout]).finally(() => {
    clearTimeout(timer);
  });
}

function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
