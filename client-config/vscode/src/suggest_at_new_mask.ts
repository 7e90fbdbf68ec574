// Open the suggestions at a mask that an item or an action has just inserted.
import * as vscode from "vscode";
import { MASK } from "./input.ts";

const COMMAND = { title: "Suggest words here", command: "fillmask.suggest" };

/** Let the item that inserts a mask open the suggestions for it. */
export function suggestAfterMaskItem(result: vscode.CompletionItem[] | vscode.CompletionList | null | undefined): void {
  for (const item of Array.isArray(result) ? result : (result?.items ?? [])) {
    if (item.label === MASK) item.command = COMMAND;
  }
}

/** Let each action whose only edit inserts a mask open the suggestions for it. */
export function suggestAfterMaskAction(actions: readonly (vscode.Command | vscode.CodeAction)[] | null | undefined): void {
  for (const action of actions ?? []) {
    if (!(action instanceof vscode.CodeAction)) continue;
    const [edit, ...others] = (action.edit?.entries() ?? []).flatMap(([, edits]) => edits);
    if (edit?.newText !== MASK || others.length > 0) continue;
    const { line, character } = edit.range.start;
    action.command = { ...COMMAND, arguments: [{ position: { line, character: character + MASK.length } }] };
  }
}
