// A mask that was typed before a model answered: its list opens when one does.
import * as vscode from "vscode";
import { isReady, type State } from "./state.ts";

/** Milliseconds for which who typed a mask still waits for its list. */
const PATIENCE = 60_000;

export function openLateLists(onDidChange: vscode.Event<State>): vscode.Disposable {
  let ready = false;
  let typed: { readonly document: vscode.TextDocument; readonly at: number } | undefined;
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (vscode.window.activeTextEditor?.document === document) typed = { document, at: Date.now() };
    }),
    onDidChange((state) => {
      const before = ready;
      ready = isReady(state);
      const editor = vscode.window.activeTextEditor;
      if (!ready || before || editor === undefined || typed?.document !== editor.document) return;
      if (Date.now() - typed.at < PATIENCE && isBehindMask(editor)) void vscode.commands.executeCommand("editor.action.triggerSuggest");
    }),
  );
}

function isBehindMask({ document, selection }: vscode.TextEditor): boolean {
  const before = document.getText(new vscode.Range(selection.active.with({ character: 0 }), selection.active));
  return selection.isEmpty && /\[MASK\]\p{L}*$/u.test(before);
}
