// The interpreter selected in the Python extension, where that extension is installed.
import * as vscode from "vscode";

interface PythonExtension {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(environment: { readonly path: string }): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

const TIMEOUT = 5_000; // milliseconds

/** Return the full path of the selected interpreter, or undefined without the extension or an answer in time. */
export async function activePython(): Promise<string | undefined> {
  // An environment may be part of an untrusted workspace.
  if (!vscode.workspace.isTrusted) return undefined;
  const timeout = new Promise<undefined>((resolve) => setTimeout(resolve, TIMEOUT, undefined));
  return Promise.race([resolveActivePython().catch(() => undefined), timeout]);
}

async function resolveActivePython(): Promise<string | undefined> {
  const environments = (await activateExtension())?.environments;
  if (environments === undefined) return undefined;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(folder));
  return environment?.executable.uri?.fsPath;
}

async function activateExtension(): Promise<PythonExtension | undefined> {
  return vscode.extensions.getExtension<PythonExtension>("ms-python.python")?.activate();
}

/** Call back when the user selects another interpreter. */
export async function onDidChangeActivePython(callback: () => void, disposables: { dispose(): unknown }[]): Promise<void> {
  const environments = (await activateExtension().then(undefined, () => undefined))?.environments;
  if (environments !== undefined) disposables.push(environments.onDidChangeActiveEnvironmentPath(callback));
}
