// Install the server, after showing the commands to the user.
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import * as vscode from "vscode";
import { errorLine, findPython, formatCommand, installCommands, pythonCandidates, requirement, type Command, type CommandResult } from "./install_plan.ts";
import { activePython } from "./python_extension.ts";
import type { Session } from "./session.ts";

const SIZE = "This downloads PyTorch: some hundred megabytes on Windows and macOS, some gigabytes on Linux.";

/** Show the commands, run them if the user agrees, and start the server. */
export async function installServer(session: Session): Promise<void> {
  // A Python may be part of an untrusted workspace.
  if (!vscode.workspace.isTrusted) {
    await vscode.window.showInformationMessage("fillmask: The server can be installed in trusted windows only.");
    return;
  }
  const candidates = pythonCandidates(process.platform, [session.python, await activePython()]);
  const python = await findPython(candidates, (command) => run(command));
  if ("missing" in python) {
    const settings = "Open Settings";
    const chosen = await vscode.window.showErrorMessage(`fillmask: ${python.missing}`, settings);
    if (chosen === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "fillmask.server");
    return;
  }
  const source = await chooseSource(session);
  if (source === undefined) return;
  const commands = installCommands(process.platform, python, session.managedEnvironment, source);
  const install = "Install";
  const detail = [...commands.map(formatCommand), SIZE, "The server gets its own virtual environment. Nothing else on this machine changes."].join("\n\n");
  const answer = await vscode.window.showInformationMessage("Install the server fillmask-ls? These commands will run:", { modal: true, detail }, install);
  if (answer !== install) return;
  let problem: string | undefined;
  await session.install(async () => {
    problem = await runWithProgress(session, commands);
  });
  if (problem !== undefined) {
    const output = "Show Log";
    const chosen = await vscode.window.showErrorMessage(`fillmask: ${problem}`, output);
    if (chosen === output) session.output.show(true);
  }
}

/** Return what pip shall install; undefined if the user cancels. */
async function chooseSource(session: Session): Promise<string | undefined> {
  const sources = [
    { label: "$(cloud-download) From PyPI", description: requirement(session.version) },
    { label: "$(package) From a wheel…", description: "a file fillmask_ls-….whl" },
    { label: "$(folder) From a source folder…", description: "a folder with pyproject.toml" },
  ];
  const chosen = await vscode.window.showQuickPick(sources, { placeHolder: "Where to install the server fillmask-ls from" });
  if (chosen === undefined || chosen === sources[0]) return chosen?.description;
  const dialog =
    chosen === sources[1] ? { canSelectFiles: true, filters: { Wheels: ["whl"] }, openLabel: "Install" } : { canSelectFiles: false, canSelectFolders: true, openLabel: "Install" };
  const [path] = (await vscode.window.showOpenDialog(dialog)) ?? [];
  return path?.fsPath;
}

/** Run the commands with cancellable progress. Return the error message if one fails. */
async function runWithProgress(session: Session, commands: readonly Command[]): Promise<string | undefined> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "Installing fillmask-ls", cancellable: true },
    async (progress, token) => {
      await mkdir(dirname(session.managedEnvironment), { recursive: true });
      for (const command of commands) {
        session.output.info(formatCommand(command));
        const { code, output } = await run(command, token, (line) => {
          session.output.info(line);
          progress.report({ message: line.trim().slice(0, 80) });
        });
        if (token.isCancellationRequested) return "The installation was cancelled.";
        if (code !== 0) return `fillmask-ls could not be installed. ${errorLine(output)}`;
      }
      return undefined;
    },
  );
}

function run(command: Command, token?: vscode.CancellationToken, onLine?: (line: string) => void): Promise<CommandResult> {
  return new Promise((resolve) => {
    const lines: string[] = [];
    const child = spawn(command.program, command.arguments, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true, cwd: homedir() });
    const cancellation = token?.onCancellationRequested(() => child.kill());
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => {
        lines.push(line);
        if (line.trim() !== "") onLine?.(line);
      });
    }
    const finish = (code: number | null): void => {
      cancellation?.dispose();
      resolve({ code, output: lines.join("\n") });
    };
    child.on("error", (error) => {
      lines.push(error.message);
      finish(null);
    });
    child.on("close", finish);
  });
}
