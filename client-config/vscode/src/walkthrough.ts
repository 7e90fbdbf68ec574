// The walkthrough's first step, which is done where the server runs. VS Code ticks a step when its context becomes true, and
// never one whose context was true before the walkthrough is first shown: for that, another becomes true for a moment then.
import * as vscode from "vscode";

const SHOWN = "fillmask.shownRunning";

export function tickFirstStep(isRunning: () => boolean): vscode.Disposable {
  return vscode.window.tabGroups.onDidChangeTabs(({ opened, changed }) => {
    // A walkthrough is of no kind that extensions are told.
    if (isRunning() && [...opened, ...changed].some(({ input }) => input === undefined)) void pulse();
  });
}

async function pulse(): Promise<void> {
  for (const value of [true, false]) await vscode.commands.executeCommand("setContext", SHOWN, value);
}
