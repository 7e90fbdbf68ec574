// The language client, made to measure: what it says of itself, what it tells the server, and when it starts it again.
import { homedir } from "node:os";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import * as vscode from "vscode";
import {
  CloseAction,
  ErrorAction,
  ExecuteCommandRequest,
  InlayHintRequest,
  LanguageClient,
  RevealOutputChannelOn,
  type DynamicFeature,
  type LanguageClientOptions,
  type StaticFeature,
} from "vscode-languageclient/node";
import { MASK } from "./asking.ts";
import { atStart, forServer, type Chosen } from "./configuration.ts";
import { GhostPlace, insertion } from "./ghost.ts";
import type { Restarts } from "./restarts.ts";

/** Every text document that a person writes; no output, no console, no left side of a comparison. */
export const SELECTOR = ["file", "untitled", "vscode-notebook-cell", "vscode-vfs", "vscode-scm", "comment"].map((scheme) => ({ scheme }));

const LAST_WORDS = 20;

export interface Parts {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly output: vscode.LogOutputChannel;
  readonly trace: vscode.LogOutputChannel;
  readonly restarts: Restarts;
  /** Settings that a workspace without trust has no say in. */
  readonly restricted: readonly string[];
  /** Of the shared engine. */
  readonly token: string | undefined;
}

/** What a client and its options share. */
interface Own {
  client?: FillmaskClient;
  readonly ghost: GhostPlace;
  /** What the server wrote last to its standard error. */
  readonly lastWords: string[];
}

export class FillmaskClient extends LanguageClient {
  readonly #own: Own;

  constructor(parts: Parts) {
    const own: Own = { lastWords: [], ghost: new GhostPlace() };
    // A relative path in the user's own settings must not lead into a workspace without trust.
    const where = vscode.workspace.isTrusted ? {} : { options: { cwd: homedir() } };
    super("fillmask", "fillmask", { command: parts.command, args: [...parts.arguments], ...where }, options(parts, own));
    own.client = this;
    this.#own = own;
    own.ghost.onDidChange((document) => {
      this.getFeature(InlayHintRequest.method).getProvider(document)?.onDidChangeInlayHints.fire();
    });
    this.registerFeature({
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { ...(capabilities.experimental as object | undefined), fillmaskStatus: true };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
  }

  /** The server's commands are registered by `commands.ts`, which asks for what a palette doesn't give. */
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const method = "registrationType" in feature ? feature.registrationType.method : undefined;
    if (method !== ExecuteCommandRequest.method) super.registerFeature(feature);
  }

  get lastWords(): readonly string[] {
    return this.#own.lastWords;
  }

  override async dispose(timeout?: number): Promise<void> {
    this.#own.ghost.dispose();
    await super.dispose(timeout);
  }

  kill(): void {
    this.serverProcess?.kill("SIGKILL");
  }
}

function options({ output, trace, restarts, restricted, token }: Parts, own: Own): LanguageClientOptions {
  const { lastWords, ghost } = own;
  return {
    documentSelector: SELECTOR,
    outputChannel: output,
    traceOutputChannel: trace,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: () => atStart(vscode.workspace.isTrusted, chosen, restricted, token),
    initializationFailedHandler: () => false,
    stdioOptions: {
      stdout: () => undefined,
      stderr: (input: Readable) => {
        createInterface({ input }).on("line", (line) => {
          output.info(line);
          if (line.trim() !== "") lastWords.push(line);
          if (lastWords.length > LAST_WORDS) lastWords.shift();
        });
      },
    },
    errorHandler: {
      error: (_error, _message, count) => ({ action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown, handled: true }),
      // One that can't start would not start the next time.
      closed: () => ({ action: own.client?.isRunning() === true && restarts.again() ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true }),
    },
    middleware: {
      provideInlineCompletionItems: async (document, position, context, token, next) => {
        const chosen = context.selectedCompletionInfo;
        if (chosen !== undefined) {
          // With a popup open, nothing would be shown but what goes on with its chosen item.
          if (document.getText(chosen.range).startsWith(MASK)) ghost.set(document, chosen.range);
          return [];
        }
        const items = await next(document, position, context, token);
        const [shown, replaced] = insertion(items, document, position) ?? [];
        if (shown === undefined || replaced === undefined || token.isCancellationRequested) return [];
        ghost.set(document, replaced);
        return [shown];
      },
      provideInlayHints: async (document, range, token, next) => ghost.others(document, (await next(document, range, token)) ?? []),
      workspace: {
        configuration: async (params, cancellation, next) => {
          const values = await next(params, cancellation);
          return Array.isArray(values) ? values.map((value) => forServer(value, vscode.workspace.isTrusted, restricted)) : values;
        },
      },
    },
  };
}

/** The user's own value of a setting, whatever the workspace says. */
const chosen: Chosen = (name) => vscode.workspace.getConfiguration("fillmask").inspect(name)?.globalValue;
