// Suggestions without a mask: only when the user asks for them.
import * as vscode from "vscode";
import { endsInMask } from "./input.ts";

/** Whether the next request for completion is the user's. */
class AskedSuggestions {
  #isAsked = false;

  /** Open the suggestions at the cursor. */
  async open(): Promise<void> {
    this.#isAsked = true;
    await vscode.commands.executeCommand("editor.action.triggerSuggest");
  }

  /** Return whether suggestions were asked for since the last call. */
  take(): boolean {
    const isAsked = this.#isAsked;
    this.#isAsked = false;
    return isAsked;
  }
}

export const askedSuggestions = new AskedSuggestions();

/** Return whether the cursor may be at a mask, or at one that is being typed. */
export function mayBeAtMask(document: vscode.TextDocument, position: vscode.Position): boolean {
  return endsInMask(document.getText(new vscode.Range(position.with({ character: 0 }), position)));
}

/** Return whether the user wants suggestions at each letter, in some languages: the server knows which. */
export function completesAlways(document: vscode.TextDocument): boolean {
  return vscode.workspace.getConfiguration("fillmask", document).get("completion.withoutMask") === "always";
}
