// Open the suggestions for a mask that was typed before the model was ready.
import * as vscode from "vscode";
import { isReady, type State } from "./status.ts";

/** How long after the last keystroke the suggestions still open, in milliseconds. */
const MAX_AGE = 60_000;

export function suggestWhenReady(onDidChange: vscode.Event<State>): vscode.Disposable {
  let ready = false;
  let lastEdit: { readonly document: vscode.TextDocument; readonly time: number } | undefined;
  return vscode.Disposable.from(
    vscode.workspace.onDidChangeTextDocument(({ document }) => {
      if (vscode.window.activeTextEditor?.document === document) lastEdit = { document, time: Date.now() };
    }),
    onDidChange((state) => {
      const wasReady = ready;
      ready = isReady(state);
      const editor = vscode.window.activeTextEditor;
      if (!ready || wasReady || editor === undefined || lastEdit?.document !== editor.document) return;
      if (Date.now() - lastEdit.time < MAX_AGE && isAfterMask(editor)) void vscode.commands.executeCommand("editor.action.triggerSuggest");
    }),
  );
}

function isAfterMask({ document, selection }: vscode.TextEditor): boolean {
  const before = document.getText(new vscode.Range(selection.active.with({ character: 0 }), selection.active));
  return selection.isEmpty && /\[MASK\]\p{L}*$/u.test(before);
}
