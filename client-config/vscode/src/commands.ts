// The palette's commands. Those of the server keep its names: a lens or a key binding that gives an object is passed on, and
// what is missing is taken from the editor or asked for.
import * as vscode from "vscode";
import { atMask, counted, given, MASK, plain, selected, share, wrongHubId, wrongToken } from "./asking.ts";
import { wrongServer } from "./finding.ts";
import { installServer } from "./install.ts";
import { showReport, showScore } from "./panels.ts";
import type { Score } from "./score.ts";
import { MACHINE, Session } from "./session.ts";
import { menu, modelName, type ServerStatus } from "./state.ts";

type Given = Record<string, unknown>;
type Handler = (session: Session, given: Given) => Promise<unknown>;

interface Edited {
  readonly applied: boolean;
  readonly words: readonly string[];
}

const BETTER = "google-bert/bert-base-uncased";
const EXAMPLE = "Paris is the capital of [MASK].\n\nShe opened the [MASK] and looked out into the [MASK].\n";

/** Said to the user as it is, without "error" before it. */
class Hint extends Error {}

const HANDLERS: Record<string, Handler> = {
  "fillmask.fill": async (session, given) => edited(await asked(session, "fillmask.fill", atCursor(given))),

  "fillmask.fillAll": async (session, given) =>
    edited(await asked(session, "fillmask.fillAll", inDocument(given)), `There is no ${MASK} to fill here.`),

  "fillmask.maskRandomly": async (session, given) => {
    const place = inDocument(given);
    const rate = "rate" in given || "uri" in given ? {} : await askRate("range" in place);
    if (rate === undefined) return undefined;
    return edited(await asked(session, "fillmask.maskRandomly", { ...place, ...rate }), "There are no words to mask here.");
  },

  "fillmask.unmask": async (session, given) =>
    edited(await asked(session, "fillmask.unmask", inDocument(given)), "What the masks here hide is not known: they were not put there by fillmask."),

  "fillmask.score": async (session, given) => {
    const score = (await asked(session, "fillmask.score", inDocument(given))) as Score | undefined;
    if (score !== undefined) showScore(`Score${ofFile(given)}`, score);
    return score;
  },

  "fillmask.inspect": async (session, given) => {
    if ("format" in given) return asked(session, "fillmask.inspect", inDocument(given));
    const report = (await asked(session, "fillmask.inspect", { ...inDocument(given), format: "html" })) as { content: string } | undefined;
    if (report !== undefined) showReport(`Inspection${ofFile(given)}`, report.content);
    return report;
  },

  "fillmask.selectModel": async (session, given) => {
    const model = typeof given["model"] === "string" ? given["model"] : await askModel();
    if (model === undefined) return undefined;
    const status = (await session.request("fillmask.selectModel", { model })) as ServerStatus;
    if (status.error === null && !("model" in given)) await offerToKeep(status, model);
    return status;
  },

  "fillmask.downloadModel": async (session, given) => {
    const model = typeof given["model"] === "string" ? given["model"] : await askHubId("Download a model from the Hugging Face hub", BETTER);
    if (model === undefined) return undefined;
    const status = (await session.request("fillmask.downloadModel", { model })) as ServerStatus;
    void vscode.window.showInformationMessage(`fillmask: ${model} is there; ${status.model ?? "no model"} answers.`);
    return status;
  },

  "fillmask.setEngineToken": async (session) => {
    const typed = await vscode.window.showInputBox({
      title: "The token of the shared engine",
      prompt: "It is kept in the editor's secret store and sent to your engine only. Empty: forget it.",
      password: true,
      ignoreFocusOut: true,
      validateInput: wrongToken,
    });
    if (typed === undefined) return;
    const token = typed.trim();
    await session.token.set(token);
    vscode.window.setStatusBarMessage(`fillmask: the token is ${token === "" ? "forgotten" : "kept"}`, 3_000);
  },

  "fillmask.status": async (session) => {
    const entries = menu(session.state, vscode.workspace.isTrusted);
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
      { label: "off", description: "nothing" },
      { label: "messages", description: "the messages’ names" },
      { label: "verbose", description: "the messages as a whole, the text of documents included" },
    ];
    const chosen = await vscode.window.showQuickPick(choices, { placeHolder: "What editor and server say to each other, in the output “fillmask”" });
    if (chosen === undefined) return;
    await vscode.workspace.getConfiguration("fillmask").update("trace.server", chosen.label, vscode.ConfigurationTarget.Global);
    if (chosen.label !== "off") session.output.show(true);
  },

  "fillmask.installServer": installServer,

  "fillmask.chooseServer": async () => {
    const typed = await vscode.window.showInputBox({
      title: "Where is fillmask-ls?",
      prompt: "The path that “which fillmask-ls” prints (Windows: “where fillmask-ls”) in a terminal where it runs",
      ignoreFocusOut: true,
      validateInput: (value) => wrongServer(MACHINE, value),
    });
    if (typed === undefined) return;
    await vscode.workspace.getConfiguration("fillmask.server").update("path", typed.trim(), vscode.ConfigurationTarget.Global);
  },

  "fillmask.openSettings": () => settled(vscode.commands.executeCommand("workbench.action.openSettings", "@ext:fillmask.fillmask")),

  "fillmask.openWalkthrough": () => settled(vscode.commands.executeCommand("workbench.action.openWalkthrough", "fillmask.fillmask#start", false)),

  "fillmask.tryIt": async (session) => {
    const document = await vscode.workspace.openTextDocument({ language: "plaintext", content: EXAMPLE });
    const editor = await vscode.window.showTextDocument(document);
    const end = document.positionAt(EXAMPLE.indexOf(MASK) + MASK.length);
    editor.selection = new vscode.Selection(end, end);
    await session.start();
    await vscode.commands.executeCommand("editor.action.triggerSuggest");
  },
};

/** Registers all of them: they are there before the server is, and without it. */
export function registerCommands(session: Session): vscode.Disposable[] {
  return Object.entries(HANDLERS).map(([name, handler]) =>
    vscode.commands.registerCommand(name, async (...values: unknown[]) => {
      try {
        return await handler(session, given(values));
      } catch (error) {
        await explain(session, error);
        return undefined;
      }
    }),
  );
}

/** Says why there is no server, with what can be done about it. */
export async function reportFailure(session: Session): Promise<void> {
  const { state } = session;
  if (state.kind !== "missing" && state.kind !== "failed") return;
  const offers: Record<string, string> =
    state.kind === "missing"
      ? { ...(vscode.workspace.isTrusted ? { "Install…": "fillmask.installServer" } : {}), "Find It…": "fillmask.chooseServer" }
      : { Restart: "fillmask.restart", "Show the Output": "fillmask.showOutput" };
  const tell = state.kind === "missing" ? vscode.window.showWarningMessage : vscode.window.showErrorMessage;
  const command = offers[(await tell(`fillmask: ${state.why}`, ...Object.keys(offers))) ?? ""];
  if (command !== undefined) await vscode.commands.executeCommand(command);
}

async function explain(session: Session, error: unknown): Promise<void> {
  if (error instanceof vscode.CancellationError) return;
  if (session.state.kind === "missing" || session.state.kind === "failed") {
    await reportFailure(session);
    return;
  }
  const message = `fillmask: ${error instanceof Error ? error.message : String(error)}`;
  await (error instanceof Hint ? vscode.window.showInformationMessage(message) : vscode.window.showErrorMessage(message));
}

/** The server's answer, with progress that can be cancelled; undefined if it was. */
function asked(session: Session, command: string, argument: Given): Thenable<unknown> {
  const options = { location: vscode.ProgressLocation.Notification, title: "Asking the language model", cancellable: true };
  return vscode.window.withProgress(options, async (_progress, token) => {
    try {
      return await session.request(command, argument, token);
    } catch (error) {
      if (token.isCancellationRequested) return undefined;
      throw error;
    }
  });
}

function edited(answer: unknown, nothing?: string): unknown {
  const result = answer as Edited | undefined;
  if (result === undefined) return undefined;
  if (!result.applied) throw new Error("The document was changed meanwhile; nothing was edited.");
  if (result.words.length === 0 && nothing !== undefined) throw new Hint(nothing);
  if (result.words.length > 0) vscode.window.setStatusBarMessage(`fillmask: ${counted(result.words.length, "edit")}`, 3_000);
  return result;
}

function activeEditor(): vscode.TextEditor {
  const editor = vscode.window.activeTextEditor;
  if (editor === undefined) throw new Hint("Open a document first.");
  if (!Session.reads(editor.document)) throw new Hint("This is no document that fillmask reads.");
  return editor;
}

function inDocument(given: Given): Given {
  if ("uri" in given || "text" in given) return given;
  const { document, selection } = activeEditor();
  return { uri: document.uri.toString(), ...selected(selection), ...given };
}

function atCursor(given: Given): Given {
  if ("uri" in given) return given;
  const { document, selection } = activeEditor();
  const { active } = selection;
  if (!atMask(document.lineAt(active.line).text, active.character)) throw new Hint(`Put the cursor on a ${MASK} first.`);
  return { uri: document.uri.toString(), position: plain(active), ...given };
}

function ofFile(given: Given): string {
  const editor = vscode.window.activeTextEditor;
  if ("text" in given || editor === undefined) return "";
  return `: ${editor.document.uri.path.split("/").at(-1) ?? ""}`;
}

async function askRate(ofSelection: boolean): Promise<{ rate: number } | undefined> {
  const typed = await vscode.window.showInputBox({
    title: `Mask words of the ${ofSelection ? "selection" : "document"} at random`,
    prompt: "How many of the words",
    value: "15 %",
    valueSelection: [0, 2],
    validateInput: (value) => (share(value) === undefined ? "A share of the words: above 0 %, at most 100 %" : undefined),
  });
  const rate = typed === undefined ? undefined : share(typed);
  return rate === undefined ? undefined : { rate };
}

async function askModel(): Promise<string | undefined> {
  const choices = [
    { label: "auto", description: "bert-base-uncased if it was downloaded, else the embedded model" },
    { label: "embedded", description: "the small model that comes with the server" },
    { label: "A folder…", description: "a checkpoint on this machine" },
    { label: "A name on the hub…", description: "a model that was downloaded from the Hugging Face hub" },
  ];
  const chosen = await vscode.window.showQuickPick(choices, { placeHolder: "The model that answers from now on", matchOnDescription: true });
  if (chosen === choices[2]) {
    const [folder] = (await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, openLabel: "Choose the Model" })) ?? [];
    return folder?.fsPath;
  }
  return chosen === choices[3] ? askHubId("Choose a model that was downloaded", BETTER) : chosen?.label;
}

async function askHubId(title: string, value: string): Promise<string | undefined> {
  const typed = await vscode.window.showInputBox({ title, prompt: "A BERT-like model with safetensors weights", value, validateInput: wrongHubId });
  return typed?.trim();
}

async function offerToKeep(status: ServerStatus, model: string): Promise<void> {
  const keep = "Keep It in the Settings";
  const settings = vscode.workspace.getConfiguration("fillmask");
  if (settings.get("model") === model) return;
  const chosen = await vscode.window.showInformationMessage(`fillmask: ${modelName(status.model)} answers, until the settings change.`, keep);
  if (chosen === keep) await settings.update("model", model, vscode.ConfigurationTarget.Global);
}

async function settled(work: Thenable<unknown>): Promise<void> {
  await work;
}
