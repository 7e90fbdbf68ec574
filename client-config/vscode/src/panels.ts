// Pages beside the text. They run no scripts and load nothing.
import { randomBytes } from "node:crypto";
import * as vscode from "vscode";
import { scorePage, type Score } from "./score.ts";

const panels = new Map<string, vscode.WebviewPanel>();

/** Shows a page as the server made it; it brings its own content policy. */
export function showReport(title: string, html: string): void {
  show("fillmask.report", title, html);
}

export function showScore(title: string, score: Score): void {
  show("fillmask.score", title, scorePage(score, randomBytes(16).toString("base64")));
}

function show(kind: string, title: string, html: string): void {
  if (!html.includes(`<meta http-equiv="Content-Security-Policy" content="default-src 'none';`)) {
    throw new Error("the page has no content policy");
  }
  let panel = panels.get(kind);
  if (panel === undefined) {
    panel = vscode.window.createWebviewPanel(
      kind,
      title,
      { viewColumn: vscode.ViewColumn.Beside, preserveFocus: false },
      { enableScripts: false, enableForms: false, enableCommandUris: false, localResourceRoots: [], enableFindWidget: true },
    );
    panel.onDidDispose(() => panels.delete(kind));
    panels.set(kind, panel);
  } else {
    panel.reveal();
  }
  panel.title = title;
  panel.webview.html = html;
}
