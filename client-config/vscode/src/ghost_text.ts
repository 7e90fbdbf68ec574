// Ghost text at a mask. VS Code shows only text that is inserted at the cursor, not text that replaces the mask before it. So
// the item inserts the word after the mask, and the command that runs on acceptance deletes the mask in the same undo step.
import * as vscode from "vscode";
import { MASK, toPosition, type Range } from "./input.ts";

interface CoveredMask {
  readonly document: vscode.TextDocument;
  readonly end: vscode.Position;
}

const ACCEPT_COMMAND = "fillmask.ghostTextAccepted";

/** Convert the server's first item into one that VS Code can show. Return it with the range that it replaces. */
export function toInsertion(
  result: vscode.InlineCompletionItem[] | vscode.InlineCompletionList | null | undefined,
  document: vscode.TextDocument,
  position: vscode.Position,
): [vscode.InlineCompletionItem, vscode.Range] | undefined {
  const items = result === null || result === undefined ? [] : "items" in result ? result.items : result;
  // The first item fills the mask at the cursor. Later ones may fill a whole passage, which an insertion can't show.
  const [item] = items;
  if (item?.range === undefined || typeof item.insertText !== "string" || !item.range.end.isEqual(position)) return undefined;
  const insertion = new vscode.InlineCompletionItem(item.insertText, new vscode.Range(position, position));
  const range: Range = { start: toPosition(item.range.start), end: toPosition(item.range.end) };
  insertion.command = { command: ACCEPT_COMMAND, title: "", arguments: [document.uri.toString(), range, item.insertText] };
  return [insertion, item.range];
}

/** Hides the inlay hint of the mask at the cursor while ghost text or suggestions show the same word. */
export class HintFilter implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.TextDocument>();
  readonly #listener: vscode.Disposable;
  #mask: CoveredMask | undefined;

  constructor() {
    this.#listener = vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
      const mask = this.#mask;
      if (mask?.document === textEditor.document && !selections.some(({ active }) => isTypingAt(mask, active))) this.#set(undefined);
    });
  }

  /** The hints of this document must be requested again. */
  readonly onDidChange = this.#changed.event;

  /** Hide the hint of the mask at the start of the range. */
  hide(document: vscode.TextDocument, { start }: vscode.Range): void {
    const end = start.translate(0, MASK.length);
    if (this.#mask?.document !== document || !this.#mask.end.isEqual(end)) this.#set({ document, end });
  }

  /** Remove the hidden hint. */
  filter(document: vscode.TextDocument, hints: vscode.InlayHint[]): vscode.InlayHint[] {
    const mask = this.#mask;
    return mask?.document === document ? hints.filter((hint) => !hint.position.isEqual(mask.end)) : hints;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  #set(mask: CoveredMask | undefined): void {
    const documents = new Set([this.#mask?.document, mask?.document]);
    this.#mask = mask;
    for (const document of documents) if (document !== undefined) this.#changed.fire(document);
  }
}

/** Return whether the cursor is at the end of the mask, or of letters typed after it. */
function isTypingAt({ document, end }: CoveredMask, cursor: vscode.Position): boolean {
  if (cursor.isBefore(end) || cursor.line !== end.line || end.character < MASK.length) return false;
  const text = document.getText(new vscode.Range(end.translate(0, -MASK.length), cursor));
  return text.startsWith(MASK) && /^\p{L}*$/u.test(text.slice(MASK.length));
}

/** Register the command that deletes the mask when ghost text is accepted. */
export function registerGhostText(): vscode.Disposable {
  return vscode.commands.registerCommand(ACCEPT_COMMAND, async (uri: string, { start, end }: Range, word: string) => {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.uri.toString() !== uri) return;
    const maskAndWord = new vscode.Range(start.line, start.character, end.line, end.character + word.length);
    if (!editor.document.getText(maskAndWord).endsWith(word)) return;
    const mask = new vscode.Range(start.line, start.character, end.line, end.character);
    await editor.edit(
      (edit) => {
        edit.delete(mask);
      },
      { undoStopBefore: false, undoStopAfter: true },
    );
  });
}
