// Activation: set up everything at once, and start the server with the first document.
import * as vscode from "vscode";
import { registerCommands, reportFailure, reportProblems } from "./commands.ts";
import { registerGhostText } from "./ghost_text.ts";
import { onDidChangeActivePython } from "./python_extension.ts";
import { Session } from "./session.ts";
import { statusBarView, type State } from "./status.ts";
import { suggestWhenReady } from "./suggest_when_ready.ts";

/** Key of the global state: whether the user was offered to install a missing server. */
const INSTALL_OFFERED = "serverOffered";

let session: Session | undefined;

export function activate(context: vscode.ExtensionContext): void {
  const current = new Session(context);
  session = current;
  context.subscriptions.push(
    current,
    createStatusBarItem(current),
    reportProblems(current),
    suggestWhenReady(current.onDidChange),
    completeWalkthroughStep(() => current.state.kind === "running"),
    ...registerCommands(current),
    registerGhostText(),
    vscode.workspace.onDidOpenTextDocument((document) => {
      if (current.state.kind === "idle" && Session.supports(document)) void start(context, current);
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      // In an untrusted workspace, the server receives the user's model only at its start.
      const names = ["fillmask.server", ...(vscode.workspace.isTrusted ? [] : current.restricted)];
      if (names.some((name) => event.affectsConfiguration(name))) void restart(current);
    }),
    current.token.onDidChange(() => {
      if (vscode.workspace.isTrusted) void restart(current);
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => {
      void restart(current);
    }),
  );
  void onDidChangeActivePython(() => void current.restartIfMoved(), context.subscriptions);
  if (vscode.workspace.textDocuments.some((document) => Session.supports(document))) void start(context, current);
}

export async function deactivate(): Promise<void> {
  await session?.stop();
}

/** Start the server. If it is missing, offer its installation once; later only the status bar shows it. */
async function start(context: vscode.ExtensionContext, session: Session): Promise<void> {
  await session.start();
  if (session.state.kind === "missing") {
    if (context.globalState.get(INSTALL_OFFERED) === true) return;
    await context.globalState.update(INSTALL_OFFERED, true);
  }
  await reportFailure(session);
}

/** Restart the server if it was started. */
async function restart(session: Session): Promise<void> {
  if (session.state.kind === "idle") return;
  await session.restart();
  await reportFailure(session);
}

function createStatusBarItem(session: Session): vscode.Disposable {
  const item = vscode.window.createStatusBarItem("fillmask.status", vscode.StatusBarAlignment.Right, 90);
  item.name = "fillmask";
  item.command = "fillmask.status";
  const update = (state: State): void => {
    const { text, tooltip, isWarning } = statusBarView(state);
    item.text = text;
    item.tooltip = tooltip;
    item.backgroundColor = isWarning ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  };
  update(session.state);
  item.show();
  return vscode.Disposable.from(item, session.onDidChange(update));
}

/**
 * Complete the walkthrough's first step if the server runs already when the walkthrough opens.
 *
 * VS Code completes a step when its context key becomes true, but not if the key was true before the walkthrough was first
 * shown. So another key becomes true for a moment.
 */
function completeWalkthroughStep(isRunning: () => boolean): vscode.Disposable {
  return vscode.window.tabGroups.onDidChangeTabs(async ({ opened, changed }) => {
    // The tab of a walkthrough has no input that extensions can see.
    if (!isRunning() || ![...opened, ...changed].some(({ input }) => input === undefined)) return;
    for (const value of [true, false]) await vscode.commands.executeCommand("setContext", "fillmask.shownRunning", value);
  });
}
