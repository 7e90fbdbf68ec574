// What runs when a window opens: everything is set up at once, and the server starts with the first document.
import * as vscode from "vscode";
import { registerCommands, reportFailure } from "./commands.ts";
import { registerGhostText } from "./ghost.ts";
import { openLateLists } from "./late.ts";
import { whenPythonChanges } from "./python.ts";
import { Session } from "./session.ts";
import { view, type State } from "./state.ts";
import { tickFirstStep } from "./walkthrough.ts";

const OFFERED = "serverOffered";

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const started = new Session(context);
  session = started;
  const item = vscode.window.createStatusBarItem("fillmask.status", vscode.StatusBarAlignment.Right, 90);
  item.name = "fillmask";
  item.command = "fillmask.status";
  const show = (state: State): void => {
    const { text, tooltip, problem } = view(state);
    item.text = text;
    item.tooltip = tooltip;
    item.backgroundColor = problem ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  };
  show(started.state);
  item.show();
  context.subscriptions.push(
    started,
    item,
    started.onDidChange(show),
    openLateLists(started.onDidChange),
    tickFirstStep(() => started.state.kind === "running"),
    ...registerCommands(started),
    registerGhostText(),
    vscode.workspace.onDidOpenTextDocument((document) => {
      if (started.state.kind === "idle" && Session.reads(document)) void begin(context, started);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      // Without trust, the server learns only as it starts which model the user chose.
      const names = ["fillmask.server", ...(vscode.workspace.isTrusted ? [] : started.restricted)];
      if (names.some((name) => event.affectsConfiguration(name))) void again(started);
    }),
    started.token.onDidChange(() => {
      if (vscode.workspace.isTrusted) void again(started);
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      void again(started);
    }),
  );
  void whenPythonChanges(() => void started.reconsider(), context.subscriptions);
  if (vscode.workspace.textDocuments.some((document) => Session.reads(document))) void begin(context, started);
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

/** Restarts a server that was started: what it is to be has changed. */
async function again(session: Session): Promise<void> {
  if (session.state.kind === "idle") return;
  await session.restart();
  await reportFailure(session);
}

/** Starts the server; where there is none, offers once to install it. After that, the status bar says it. */
async function begin(context: vscode.ExtensionContext, session: Session): Promise<void> {
  await session.start();
  if (session.state.kind === "missing") {
    if (context.globalState.get(OFFERED) === true) return;
    await context.globalState.update(OFFERED, true);
  }
  await reportFailure(session);
}
