// Show reports beside the text. The pages run no scripts and load nothing.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { scorePage, type Score } from "./score_page.ts";

const panels = new Map<string, vscode.WebviewPanel>();

/** Show an inspection as the server rendered it, with the content security policy of the page itself. */
export function showInspection(title: string, html: string): void {
  show("fillmask.report", title, html);
}

export function showScore(title: string, score: Score): void {
  show("fillmask.score", title, scorePage(score, randomBytes(16).toString("base64")));
}

function show(viewType: string, title: string, html: string): void {
  if (!html.includes(`<meta http-equiv="Content-Security-Policy" content="default-src 'none';`)) {
    throw new Error("The report was not shown: it has no content security policy.");
  }
  let panel = panels.get(viewType);
  if (panel === undefined) {
    panel = vscode.window.createWebviewPanel(
      viewType,
      title,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: false },
      { enableScripts: false, enableForms: false, enableCommandUris: false, localResourceRoots: [], enableFindWidget: true },
    );
    panel.onDidDispose(() => panels.delete(viewType));
    panels.set(viewType, panel);
  } else {
    panel.reveal();
  }
  panel.title = title;
  panel.webview.html = html;
}
