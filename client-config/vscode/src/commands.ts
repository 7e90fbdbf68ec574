// The commands of the palette. Commands of the server keep their ids: an argument object of a code lens or a key binding is
// passed on, and missing arguments come from the editor or from a prompt. Except fillmask.suggest, which opens the list of
// completions in the active editor instead of asking the server for words.
import * as vscode from "vscode";
import { LSPErrorCodes, ResponseError } from "vscode-languageclient/node";
import { askedSuggestions } from "./asked_suggestions.ts";
import { isAtMask, MASK, parseArguments, parseRate, pluralize, rangeArgument, toPosition, validateHubId, validateToken } from "./input.ts";
import { installServer } from "./install_server.ts";
import { validateServerPath } from "./locate_server.ts";
import type { Score } from "./score_page.ts";
import { MACHINE, Session } from "./session.ts";
import { fullModelName, menu, remedies, type ServerStatus } from "./status.ts";
import { showInspection, showScore } from "./webviews.ts";

type Arguments = Record<string, unknown>;
type Handler = (session: Session, args: Arguments) => Promise<unknown>;

interface EditResult {
  readonly applied: boolean;
  readonly words: readonly string[];
}

const SUGGESTED_MODEL = "google-bert/bert-base-uncased";
const EXAMPLE = "Paris is the capital of [MASK].\n\nShe opened the [MASK] and looked out into the [MASK].\n";
const STATUS_MESSAGE_DURATION = 3_000; // milliseconds

/** A message for the user that isn't an error. */
class Notice extends Error {}

const HANDLERS: Record<string, Handler> = {
  "fillmask.suggest": async (_session, args) => {
    const { line, character } = (args["position"] ?? {}) as { line?: number; character?: number };
    const editor = activeEditor();
    if (line !== undefined && character !== undefined) {
      const cursor = new vscode.Position(line, character);
      editor.selection = new vscode.Selection(cursor, cursor);
    }
    await askedSuggestions.open();
  },

  "fillmask.fill": async (session, args) => reportEdit(await session.request("fillmask.fill", withPosition(args))),

  "fillmask.fillAll": async (session, args) =>
    reportEdit(await session.request("fillmask.fillAll", withDocument(args)), `Nothing to fill: the text contains no ${MASK}.`),

  "fillmask.maskRandomly": async (session, args) => {
    const documentArgs = withDocument(args);
    const rate = "rate" in args || "uri" in args ? {} : await promptForRate("range" in documentArgs);
    if (rate === undefined) return undefined;
    return reportEdit(await session.request("fillmask.maskRandomly", { ...documentArgs, ...rate }), "Nothing to replace: the text contains no words.");
  },

  "fillmask.unmask": async (session, args) =>
    reportEdit(await session.request("fillmask.unmask", withDocument(args)), "Nothing to restore: fillmask can restore only words that it replaced with blanks itself."),

  "fillmask.ignoreWord": (session, args) => session.request("fillmask.ignoreWord", args),

  "fillmask.addToDictionary": async (session, args) => {
    const { file } = (await session.request("fillmask.addToDictionary", args)) as { file: string };
    vscode.window.setStatusBarMessage(`fillmask: Added to ${file}`, STATUS_MESSAGE_DURATION);
  },

  "fillmask.turnOffDiagnostics": (session, args) => session.request("fillmask.turnOffDiagnostics", args),

  "fillmask.score": async (session, args) => {
    const score = (await session.request("fillmask.score", withDocument(args))) as Score;
    showScore(`Score${titleSuffix(args)}`, score);
    return score;
  },

  "fillmask.inspect": async (session, args) => {
    if ("format" in args) return session.request("fillmask.inspect", withDocument(args));
    const report = (await session.request("fillmask.inspect", { ...withDocument(args), format: "html" })) as { content: string };
    showInspection(`Inspection${titleSuffix(args)}`, report.content);
    return report;
  },

  "fillmask.selectModel": async (session, args) => {
    const model = typeof args["model"] === "string" ? args["model"] : await promptForModel();
    if (model === undefined) return undefined;
    const status = (await session.request("fillmask.selectModel", { model })) as ServerStatus;
    if (status.error === null && !("model" in args)) await offerToSaveModel(status, model);
    return status;
  },

  "fillmask.downloadModel": async (session, args) => {
    const model = typeof args["model"] === "string" ? args["model"] : await promptForHubId("Download a model from the Hugging Face hub", SUGGESTED_MODEL);
    if (model === undefined) return undefined;
    const status = (await session.request("fillmask.downloadModel", { model })) as ServerStatus;
    void vscode.window.showInformationMessage(`fillmask: Downloaded ${model}. Now ${fullModelName(status.model)} suggests words.`);
    return status;
  },

  "fillmask.setEngineToken": async (session) => {
    const typed = await vscode.window.showInputBox({
      title: "Token of the shared engine",
      prompt: "The token is kept in the editor's secret store and sent only to your engine. Leave it empty to delete the stored token.",
      password: true,
      ignoreFocusOut: true,
      validateInput: validateToken,
    });
    if (typed === undefined) return;
    const token = typed.trim();
    await session.token.set(token);
    vscode.window.setStatusBarMessage(`fillmask: Token ${token === "" ? "deleted" : "saved"}`, STATUS_MESSAGE_DURATION);
  },

  "fillmask.status": async (session) => {
    const entries = menu(session.state, vscode.workspace.isTrusted, session.canUpdate);
    const chosen = await vscode.window.showQuickPick(
      entries.map((entry) => ({ ...entry, alwaysShow: true })),
      { placeHolder: "fillmask", matchOnDescription: true },
    );
    if (chosen?.command !== undefined) await vscode.commands.executeCommand(chosen.command);
    return session.state.kind === "running" ? session.state.status : null;
  },

  "fillmask.restart": async (session) => {
    await session.restart();
    await reportFailure(session);
  },

  "fillmask.showOutput": (session) => {
    session.output.show(true);
    return Promise.resolve();
  },

  "fillmask.trace": async (session) => {
    const choices = [
      { label: "off", description: "no messages" },
      { label: "messages", description: "the names of messages" },
      { label: "verbose", description: "whole messages, with the text of documents" },
    ];
    const chosen = await vscode.window.showQuickPick(choices, { placeHolder: "Which messages between editor and server are written to the log" });
    if (chosen === undefined) return;
    await vscode.workspace.getConfiguration("fillmask").update("trace.server", chosen.label, vscode.ConfigurationTarget.Global);
    if (chosen.label !== "off") session.output.show(true);
  },

  "fillmask.installServer": installServer,

  "fillmask.chooseServer": async () => {
    const typed = await vscode.window.showInputBox({
      title: "Path of fillmask-ls",
      prompt: "Run “which fillmask-ls” (Windows: “where fillmask-ls”) in a terminal, and enter the path that it prints.",
      ignoreFocusOut: true,
      validateInput: (value) => validateServerPath(MACHINE, value),
    });
    if (typed === undefined) return;
    await vscode.workspace.getConfiguration("fillmask.server").update("path", typed.trim(), vscode.ConfigurationTarget.Global);
  },

  "fillmask.openSettings": async () => vscode.commands.executeCommand("workbench.action.openSettings", "@ext:fillmask.fillmask"),

  "fillmask.openWalkthrough": async () => vscode.commands.executeCommand("workbench.action.openWalkthrough", "fillmask.fillmask#start", false),

  "fillmask.tryIt": async (session) => {
    const document = await vscode.workspace.openTextDocument({ language: "plaintext", content: EXAMPLE });
    const editor = await vscode.window.showTextDocument(document);
    const end = document.positionAt(EXAMPLE.indexOf(MASK) + MASK.length);
    editor.selection = new vscode.Selection(end, end);
    await session.start();
    await vscode.commands.executeCommand("editor.action.triggerSuggest");
  },
};

/** Register all commands, whether or not the server runs. */
export function registerCommands(session: Session): vscode.Disposable[] {
  return Object.entries(HANDLERS).map(([name, handler]) =>
    vscode.commands.registerCommand(name, async (...values: unknown[]) => {
      try {
        return await handler(session, parseArguments(values));
      } catch (error) {
        await reportError(session, error);
        return undefined;
      }
    }),
  );
}

/** Tell the user why the server is missing or failed, and offer a remedy. */
export async function reportFailure(session: Session): Promise<void> {
  const { state } = session;
  if (state.kind !== "missing" && state.kind !== "failed") return;
  const buttons: Record<string, string> =
    state.kind === "missing"
      ? { ...(vscode.workspace.isTrusted ? { "Install…": "fillmask.installServer" } : {}), "Locate…": "fillmask.chooseServer" }
      : { Restart: "fillmask.restart", "Show Log": "fillmask.showOutput" };
  const showMessage = state.kind === "missing" ? vscode.window.showWarningMessage : vscode.window.showErrorMessage;
  const command = buttons[(await showMessage(`fillmask: ${state.message}`, ...Object.keys(buttons))) ?? ""];
  if (command !== undefined) await vscode.commands.executeCommand(command);
}

/** Tell the user about a problem that the server reports, once, with buttons that may solve it. */
export function reportProblems(session: Session): vscode.Disposable {
  let shown: string | null = null;
  return session.onDidChange(async (state) => {
    if (state.kind !== "running" || state.status.error === shown) return;
    shown = state.status.error;
    if (shown === null) return;
    const offered = remedies(state.status).filter(({ command }) => vscode.workspace.isTrusted || !command.endsWith("Model"));
    const title = await vscode.window.showErrorMessage(`fillmask: ${shown}`, ...offered.map((remedy) => remedy.title));
    const chosen = offered.find((remedy) => remedy.title === title);
    if (chosen !== undefined) await vscode.commands.executeCommand(chosen.command);
  });
}

async function reportError(session: Session, error: unknown): Promise<void> {
  if (error instanceof vscode.CancellationError || isCancelled(error)) return;
  if (session.state.kind === "missing" || session.state.kind === "failed") {
    await reportFailure(session);
    return;
  }
  const message = `fillmask: ${error instanceof Error ? error.message : String(error)}`;
  await (error instanceof Notice ? vscode.window.showInformationMessage(message) : vscode.window.showErrorMessage(message));
}

/** Return whether the user cancelled a command by its progress bar, which the server shows. */
function isCancelled(error: unknown): boolean {
  return error instanceof ResponseError && error.code === LSPErrorCodes.RequestCancelled;
}

function reportEdit(answer: unknown, nothingToDo?: string): unknown {
  const result = answer as EditResult;
  if (!result.applied) throw new Error("Nothing was edited: the document changed in the meantime. Try again.");
  if (result.words.length === 0 && nothingToDo !== undefined) throw new Notice(nothingToDo);
  if (result.words.length > 0) vscode.window.setStatusBarMessage(`fillmask: ${pluralize(result.words.length, "edit")}`, STATUS_MESSAGE_DURATION);
  return result;
}

function activeEditor(): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) throw new Notice("No document is open. Open one first.");
  if (!Session.supports(editor.document)) throw new Notice("fillmask does not support this kind of document.");
  return editor;
}

/** Add the document and its selection, unless the arguments name a document or a text. */
function withDocument(args: Arguments): Arguments {
  if ("uri" in args || "text" in args) return args;
  const { document, selection } = activeEditor();
  return { uri: document.uri.toString(), ...rangeArgument(selection), ...args };
}

/** Add the document and the cursor's position, unless the arguments name a document. */
function withPosition(args: Arguments): Arguments {
  if ("uri" in args) return args;
  const { document, selection } = activeEditor();
  const { active } = selection;
  if (!isAtMask(document.lineAt(active.line).text, active.character)) throw new Notice(`No ${MASK} at the cursor. Put the cursor on one first.`);
  return { uri: document.uri.toString(), position: toPosition(active), ...args };
}

function titleSuffix(args: Arguments): string {
  const editor = vscode.window.activeTextEditor;
  if ("text" in args || editor === undefined) return "";
  return `: ${editor.document.uri.path.split("/").at(-1) ?? ""}`;
}

async function promptForRate(ofSelection: boolean): Promise<{ rate: number } | undefined> {
  const typed = await vscode.window.showInputBox({
    title: `Replace random words in the ${ofSelection ? "selection" : "document"} with blanks`,
    prompt: "Share of words to replace",
    value: "15 %",
    valueSelection: [0, 2],
    validateInput: (value) => (parseRate(value) === undefined ? "Enter a rate above 0 % and up to 100 %." : undefined),
  });
  const rate = typed === undefined ? undefined : parseRate(typed);
  return rate === undefined ? undefined : { rate };
}

async function promptForModel(): Promise<string | undefined> {
  const choices = [
    { label: "auto", description: "BERT if it is downloaded, else the small built-in model" },
    { label: "embedded", description: "the small built-in model" },
    { label: "Folder…", description: "a model on this machine" },
    { label: "Downloaded…", description: "a model that was downloaded from the Hugging Face hub" },
  ];
  const chosen = await vscode.window.showQuickPick(choices, { placeHolder: "Choose the model", matchOnDescription: true });
  if (chosen === choices[2]) {
    const [folder] = (await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, openLabel: "Choose" })) ?? [];
    return folder?.fsPath;
  }
  return chosen === choices[3] ? promptForHubId("Choose a downloaded model", SUGGESTED_MODEL) : chosen?.label;
}

async function promptForHubId(title: string, value: string): Promise<string | undefined> {
  const typed = await vscode.window.showInputBox({ title, prompt: "The id of a masked language model with safetensors weights", value, validateInput: validateHubId });
  return typed?.trim();
}

async function offerToSaveModel(status: ServerStatus, model: string): Promise<void> {
  const save = "Save to Settings";
  const settings = vscode.workspace.getConfiguration("fillmask");
  if (settings.get("model") === model) return;
  const chosen = await vscode.window.showInformationMessage(`fillmask: Using ${fullModelName(status.model)} until the settings change or the server restarts.`, save);
  if (chosen === save) await settings.update("model", model, vscode.ConfigurationTarget.Global);
}
