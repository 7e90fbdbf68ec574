// Installing the server, said before it is done.
import { spawn } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { createInterface } from "node:readline";
import * as vscode from "vscode";
import { choosePython, plan, pythons, reason, shown, type Command, type Outcome } from "./installing.ts";
import { activePython } from "./python.ts";
import type { Session } from "./session.ts";

const SIZE = "PyTorch comes with it: some hundred megabytes to download on Windows and macOS, some gigabytes on Linux.";

/** Shows what would run, runs it if the user says so, and starts the server. */
export async function installServer(session: Session): Promise<void> {
  const python = await choosePython(pythons(process.platform, [session.python, await activePython()]), (command) => run(command));
  if ("missing" in python) {
    const settings = "Open Settings";
    const chosen = await vscode.window.showErrorMessage(`fillmask: ${python.missing}`, settings);
    if (chosen === settings) await vscode.commands.executeCommand("workbench.action.openSettings", "fillmask.server");
    return;
  }
  const commands = plan(process.platform, python, session.ownEnvironment, session.version);
  const install = "Install";
  const detail = [...commands.map(shown), SIZE, "It is an environment of its own: nothing else on this machine changes."].join("\n\n");
  const answer = await vscode.window.showInformationMessage("Install the server fillmask-ls? These commands will run:", { modal: true, detail }, install);
  if (answer !== install) return;
  let problem: string | undefined;
  await session.install(async () => {
    problem = await inProgress(session, commands);
  });
  if (problem !== undefined) {
    const output = "Show the Output";
    const chosen = await vscode.window.showErrorMessage(`fillmask: ${problem}`, output);
    if (chosen === output) session.output.show(true);
  }
}

/** Runs the commands with progress and a way to stop them; returns what went wrong. */
async function inProgress(session: Session, commands: readonly Command[]): Promise<string | undefined> {
  return vscode.window.withProgress(
    { location: vscode.ProgressLocation.Notification, title: "Installing fillmask-ls", cancellable: true },
    async (progress, token) => {
      await mkdir(dirname(session.ownEnvironment), { recursive: true });
      for (const command of commands) {
        session.output.info(shown(command));
        const { code, output } = await run(command, token, (line) => {
          session.output.info(line);
          progress.report({ message: line.trim().slice(0, 80) });
        });
        if (token.isCancellationRequested) return "The installation was cancelled.";
        if (code !== 0) return `fillmask-ls could not be installed. ${reason(output)}`;
      }
      return undefined;
    },
  );
}

function run(command: Command, token?: vscode.CancellationToken, heard?: (line: string) => void): Promise<Outcome> {
  return new Promise((resolve) => {
    const lines: string[] = [];
    const child = spawn(command.program, command.arguments, { stdio: ["ignore", "pipe", "pipe"], windowsHide: true });
    const cancelling = token?.onCancellationRequested(() => child.kill());
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => {
        lines.push(line);
        if (line.trim() !== "") heard?.(line);
      });
    }
    const end = (code: number | null): void => {
      cancelling?.dispose();
      resolve({ code, output: lines.join("\n") });
    };
    child.on("error", (error) => {
      lines.push(error.message);
      end(null);
    });
    child.on("close", end);
  });
}
