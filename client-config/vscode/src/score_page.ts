// Render the result of `fillmask.score` as a page.

export interface Score {
  readonly model: string | null;
  readonly pseudoLogLikelihood: number;
  readonly perplexity: number;
  readonly tokens: number;
  readonly words: readonly { readonly text: string; readonly surprisal: number }[];
}

/** The maximum number of words on a page: longer tables are slow to open. */
const MAX_WORDS = 2_000;
/** The surprisal of a full bar, in bits. */
const FULL_BAR = 20;

const STYLE = `
body { max-width: 60rem; margin: 0 auto; padding: 1rem 1.25rem 3rem; line-height: 1.5; font-family: var(--vscode-font-family);
  color: var(--vscode-editor-foreground); background: var(--vscode-editor-background); }
h1 { font-size: 1.4rem; font-weight: 600; overflow-wrap: anywhere; }
dl { display: flex; flex-wrap: wrap; gap: .75rem 2.5rem; margin: 1rem 0; }
dt { color: var(--vscode-descriptionForeground); } dd { margin: 0; font-size: 1.25rem; font-weight: 600; }
p { color: var(--vscode-descriptionForeground); }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .15rem .75rem .15rem 0; text-align: left; font-weight: inherit; font-variant-numeric: tabular-nums; }
thead th { color: var(--vscode-descriptionForeground); }
tbody th { overflow-wrap: anywhere; } .number { text-align: right; white-space: nowrap; } .wide { width: 50%; }
svg { display: block; width: 100%; height: .7rem; } rect { fill: var(--vscode-charts-orange, currentColor); }
`;

/**
 * Return a page that runs no scripts and loads nothing.
 *
 * @param nonce an unpredictable text: the content security policy allows only the style sheet with it.
 */
export function scorePage(score: Score, nonce: string): string {
  const words = score.words.slice(0, MAX_WORDS);
  const omitted = score.words.length - words.length;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'">
<title>How likely the text is</title>
<style nonce="${nonce}">${STYLE}</style>
</head>
<body>
<h1>How likely this text is to ${escapeHtml(score.model ?? "the model")}</h1>
<dl>
<div><dt>Perplexity</dt><dd>${formatNumber(score.perplexity)}</dd></div>
<div><dt>Pseudo-log-likelihood</dt><dd>${formatNumber(score.pseudoLogLikelihood)} nats</dd></div>
<div><dt>Tokens</dt><dd>${String(score.tokens)}</dd></div>
</dl>
<p>Surprisal in bits: how unexpected each word is to the model. Its subwords are masked one after another.${
    omitted > 0 ? ` The first ${String(MAX_WORDS)} of ${String(score.words.length)} words.` : ""
  }</p>
<table>
<thead><tr><th scope="col">word</th><th scope="col" class="number">bits</th><td class="wide"></td></tr></thead>
<tbody>
${words.map(tableRow).join("\n")}
</tbody>
</table>
</body>
</html>
`;
}

function tableRow(word: { text: string; surprisal: number }): string {
  const width = (100 * Math.min(word.surprisal, FULL_BAR)) / FULL_BAR;
  const bar = `<svg viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true"><rect width="${width.toFixed(1)}" height="1"/></svg>`;
  return `<tr><th scope="row"><bdi>${escapeHtml(word.text)}</bdi></th><td class="number">${word.surprisal.toFixed(1)}</td><td>${bar}</td></tr>`;
}

function formatNumber(value: number): string {
  return Number.isFinite(value) ? value.toLocaleString("en", { maximumFractionDigits: 2 }) : "∞";
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
  return text.replace(/[&<>"']/g, (character) => entities[character] ?? "");
}
