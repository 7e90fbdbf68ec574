// The environment that the Python extension has chosen, where there is one.
import * as vscode from "vscode";

interface PythonExtension {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(environment: { readonly path: string }): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

const PATIENCE = 5_000;

/** The full path of its Python; undefined without the extension, without an answer, or where the workspace isn't trusted. */
export async function activePython(): Promise<string | undefined> {
  // An environment may be a part of the workspace.
  if (!vscode.workspace.isTrusted) return undefined;
  const tooLate = new Promise<undefined>((resolve) => setTimeout(resolve, PATIENCE, undefined));
  return Promise.race([resolved().catch(() => undefined), tooLate]);
}

async function resolved(): Promise<string | undefined> {
  const environments = (await api())?.environments;
  if (environments === undefined) return undefined;
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
  const environment = await environments.resolveEnvironment(environments.getActiveEnvironmentPath(folder));
  return environment?.executable.uri?.fsPath;
}

async function api(): Promise<PythonExtension | undefined> {
  return vscode.extensions.getExtension<PythonExtension>("ms-python.python")?.activate();
}

/** Calls back whenever another environment is chosen. */
export async function whenPythonChanges(callback: () => void, disposables: { dispose(): unknown }[]): Promise<void> {
  const environments = (await api().then(undefined, () => undefined))?.environments;
  if (environments !== undefined) disposables.push(environments.onDidChangeActiveEnvironmentPath(callback));
}
