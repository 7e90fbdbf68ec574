// Ghost text at a mask. VS Code shows only what is inserted at the cursor, never what replaces the mask before it: so the word
// is inserted behind the mask, and what accepting it runs takes the mask away, as a part of the same edit to undo.
import * as vscode from "vscode";
import { MASK, plain, type Range } from "./asking.ts";

interface Place {
  readonly document: vscode.TextDocument;
  /** Where the mask ends. */
  readonly end: vscode.Position;
}

const ACCEPTED = "fillmask.ghostTextAccepted";

/** The server's first item, which replaces a range before the cursor, as VS Code can show it; and that range. */
export function insertion(
  result: vscode.InlineCompletionItem[] | vscode.InlineCompletionList | null | undefined,
  document: vscode.TextDocument,
  position: vscode.Position,
): [vscode.InlineCompletionItem, vscode.Range] | undefined {
  const items = result === null || result === undefined ? [] : "items" in result ? result.items : result;
  // The first is for the mask at the cursor; what fills a whole passage changes more than is behind the cursor.
  const [item] = items;
  if (item?.range === undefined || typeof item.insertText !== "string" || !item.range.end.isEqual(position)) return undefined;
  const shown = new vscode.InlineCompletionItem(item.insertText, new vscode.Range(position, position));
  const range: Range = { start: plain(item.range.start), end: plain(item.range.end) };
  shown.command = { command: ACCEPTED, title: "", arguments: [document.uri.toString(), range, item.insertText] };
  return [shown, item.range];
}

/** The mask with the cursor, while ghost text or a popup shows words for it: its hint would say the same beside them. */
export class GhostPlace implements vscode.Disposable {
  readonly #changed = new vscode.EventEmitter<vscode.TextDocument>();
  readonly #listener: vscode.Disposable;
  #place: Place | undefined;

  constructor() {
    this.#listener = vscode.window.onDidChangeTextEditorSelection(({ textEditor, selections }) => {
      const place = this.#place;
      if (place?.document === textEditor.document && !selections.some(({ active }) => stands(place, active))) this.#become(undefined);
    });
  }

  /** The hints of a document are others now. */
  readonly onDidChange = this.#changed.event;

  /** Words are shown for the mask at the beginning of the range. */
  set(document: vscode.TextDocument, { start }: vscode.Range): void {
    const end = start.translate(0, MASK.length);
    if (this.#place?.document !== document || !this.#place.end.isEqual(end)) this.#become({ document, end });
  }

  /** The hints of other masks. */
  others(document: vscode.TextDocument, hints: vscode.InlayHint[]): vscode.InlayHint[] {
    const place = this.#place;
    return place?.document === document ? hints.filter((hint) => !hint.position.isEqual(place.end)) : hints;
  }

  dispose(): void {
    this.#listener.dispose();
    this.#changed.dispose();
  }

  #become(place: Place | undefined): void {
    const documents = new Set([this.#place?.document, place?.document]);
    this.#place = place;
    for (const document of documents) if (document !== undefined) this.#changed.fire(document);
  }
}

/** Whether the cursor is still behind the mask, or behind letters that were typed there. */
function stands({ document, end }: Place, cursor: vscode.Position): boolean {
  if (cursor.isBefore(end) || cursor.line !== end.line || end.character < MASK.length) return false;
  const typed = document.getText(new vscode.Range(end.translate(0, -MASK.length), cursor));
  return typed.startsWith(MASK) && /^\p{L}*$/u.test(typed.slice(MASK.length));
}

/** What accepting such an item runs: the mask goes, the word stays. */
export function registerGhostText(): vscode.Disposable {
  return vscode.commands.registerCommand(ACCEPTED, async (uri: string, { start, end }: Range, word: string) => {
    const editor = vscode.window.activeTextEditor;
    if (editor?.document.uri.toString() !== uri) return;
    const whole = new vscode.Range(start.line, start.character, end.line, end.character + word.length);
    if (!editor.document.getText(whole).endsWith(word)) return;
    const mask = new vscode.Range(start.line, start.character, end.line, end.character);
    await editor.edit(
      (edit) => {
        edit.delete(mask);
      },
      { undoStopBefore: false, undoStopAfter: true },
    );
  });
}
