// The language client: its document selector, the settings it sends, its restarts, and its middleware.
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
import { initializationOptions, serverSettings, type UserSetting } from "./configuration.ts";
import { askedSuggestions, completesAlways, mayBeAtMask } from "./asked_suggestions.ts";
import { HintFilter, toInsertion } from "./ghost_text.ts";
import { MASK } from "./input.ts";
import type { RestartLimiter } from "./restart_limiter.ts";
import { suggestAfterMaskAction, suggestAfterMaskItem } from "./suggest_at_new_mask.ts";

/** All documents that a person writes: no output, no debug console, no left side of a diff. */
export const SELECTOR = ["file", "untitled", "vscode-notebook-cell", "vscode-vfs", "vscode-scm", "comment"].map((scheme) => ({ scheme }));

const STDERR_LINES = 20;

export interface ClientConfig {
  readonly command: string;
  readonly arguments: readonly string[];
  readonly output: vscode.LogOutputChannel;
  readonly trace: vscode.LogOutputChannel;
  readonly restarts: RestartLimiter;
  /** Full names of the settings that an untrusted workspace can't change. */
  readonly restricted: readonly string[];
  /** The token of the shared engine. */
  readonly token: string | undefined;
}

/** State that the client shares with its options, which are created before it. */
interface SharedState {
  client?: FillmaskClient;
  readonly hintFilter: HintFilter;
  readonly stderrTail: string[];
}

export class FillmaskClient extends LanguageClient {
  readonly #shared: SharedState;

  constructor(config: ClientConfig) {
    const shared: SharedState = { stderrTail: [], hintFilter: new HintFilter() };
    // A relative path in the user's settings must not lead into an untrusted workspace.
    const workingDirectory = vscode.workspace.isTrusted ? {} : { options: { cwd: homedir() } };
    super("fillmask", "fillmask", { command: config.command, args: [...config.arguments], ...workingDirectory }, clientOptions(config, shared));
    shared.client = this;
    this.#shared = shared;
    shared.hintFilter.onDidChange((document) => {
      this.getFeature(InlayHintRequest.method).getProvider(document)?.onDidChangeInlayHints.fire();
    });
    this.registerFeature({
      fillClientCapabilities: (capabilities) => {
        capabilities.experimental = { ...(capabilities.experimental as object | undefined), fillmaskStatus: true, fillmaskSuggest: true };
      },
      initialize: () => undefined,
      getState: () => ({ kind: "static" }),
      clear: () => undefined,
    });
  }

  /** Skip the registration of the server's commands: `commands.ts` registers them, and adds missing arguments. */
  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const method = "registrationType" in feature ? feature.registrationType.method : undefined;
    if (method !== ExecuteCommandRequest.method) super.registerFeature(feature);
  }

  /** The last lines that the server wrote to its standard error. */
  get stderrTail(): readonly string[] {
    return this.#shared.stderrTail;
  }

  override async dispose(timeout?: number): Promise<void> {
    this.#shared.hintFilter.dispose();
    await super.dispose(timeout);
  }

  kill(): void {
    this.serverProcess?.kill("SIGKILL");
  }
}

function clientOptions({ output, trace, restarts, restricted, token }: ClientConfig, shared: SharedState): LanguageClientOptions {
  const { stderrTail, hintFilter } = shared;
  return {
    documentSelector: SELECTOR,
    outputChannel: output,
    traceOutputChannel: trace,
    revealOutputChannelOn: RevealOutputChannelOn.Never,
    initializationOptions: () => initializationOptions(vscode.workspace.isTrusted, userSetting, restricted, token),
    initializationFailedHandler: () => false,
    stdioOptions: {
      stdout: () => undefined,
      stderr: (input: Readable) => {
        createInterface({ input }).on("line", (line) => {
          output.info(line);
          if (line.trim() !== "") stderrTail.push(line);
          if (stderrTail.length > STDERR_LINES) stderrTail.shift();
        });
      },
    },
    errorHandler: {
      error: (_error, _message, count) => ({ action: (count ?? 0) <= 3 ? ErrorAction.Continue : ErrorAction.Shutdown, handled: true }),
      // A server that failed to start would fail again.
      closed: () => {
        const restart = shared.client?.isRunning() === true && restarts.tryRestart();
        return { action: restart ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true };
      },
    },
    middleware: {
      provideCompletionItem: async (document, position, context, token, next) => {
        const isAsked = askedSuggestions.take();
        const isTyped = !isAsked && context.triggerKind === vscode.CompletionTriggerKind.Invoke;
        // VS Code completes each word that is typed with the same trigger kind as words that the user asks for.
        if (isTyped && !mayBeAtMask(document, position) && !completesAlways(document)) return undefined;
        const result = await next(document, position, context, token);
        suggestAfterMaskItem(result);
        return result;
      },
      provideCodeActions: async (document, range, context, token, next) => {
        const actions = await next(document, range, context, token);
        suggestAfterMaskAction(actions);
        return actions;
      },
      provideInlineCompletionItems: async (document, position, context, token, next) => {
        const selectedSuggestion = context.selectedCompletionInfo;
        if (selectedSuggestion !== undefined) {
          // While suggestions are open, VS Code shows only ghost text that continues the selected one.
          if (document.getText(selectedSuggestion.range).startsWith(MASK)) hintFilter.hide(document, selectedSuggestion.range);
          return [];
        }
        const items = await next(document, position, context, token);
        const [insertion, replaced] = toInsertion(items, document, position) ?? [];
        if (insertion === undefined || replaced === undefined || token.isCancellationRequested) return [];
        hintFilter.hide(document, replaced);
        return [insertion];
      },
      provideInlayHints: async (document, range, token, next) => hintFilter.filter(document, (await next(document, range, token)) ?? []),
      workspace: {
        configuration: async (params, cancellation, next) => {
          const values = await next(params, cancellation);
          return Array.isArray(values) ? values.map((value) => serverSettings(value, vscode.workspace.isTrusted, restricted)) : values;
        },
      },
    },
  };
}

const userSetting: UserSetting = (name) => vscode.workspace.getConfiguration("fillmask").inspect(name)?.globalValue;
