// Without this extension, a suggestion of jupyterlab-lsp replaces the syntax token at the cursor, which is only a bracket of the
// mask. With it, a suggestion replaces the mask and the letters typed after it, as the server requests. It also makes Tab list
// suggestions in Markdown cells of notebooks, where Tab does nothing otherwise.
//
// The file is a container of Webpack's module federation, the format that JupyterLab loads. It needs no build.
(() => {
  const MASK = '[MASK]';
  const MAX_PREFIX_LENGTH = 64;
  const MASK_BEFORE_CURSOR = /\[MASK\](?:[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]*)*)?$/u;
  const PARTIAL_MASK = /\[(?:M(?:A(?:SK?)?)?)?$/i;

  /** Return the span of the mask that contains or precedes the cursor, with the letters typed after it. */
  function maskAt(text, cursor) {
    const low = Math.max(0, cursor - MASK.length - MAX_PREFIX_LENGTH);
    const match = MASK_BEFORE_CURSOR.exec(text.slice(low, cursor));
    if (match) {
      return { start: low + match.index, end: cursor };
    }
    const start = cursor > 0 ? text.lastIndexOf(MASK, cursor - 1) : -1;
    return start >= 0 && cursor < start + MASK.length ? { start, end: start + MASK.length } : null;
  }

  /** Return the span of a partial mask before the cursor, with an automatically closed bracket. */
  function partialMask(text, cursor) {
    const match = PARTIAL_MASK.exec(text.slice(0, cursor));
    return match && { start: match.index, end: cursor + (text[cursor] === ']' ? 1 : 0) };
  }

  function readEditor(editor) {
    const text = editor.model.sharedModel.getSource();
    return { text, cursor: editor.getOffsetAt(editor.getCursorPosition()) };
  }

  /** Return the span that a suggestion at the cursor replaces. */
  function replacedSpan(editor) {
    const { text, cursor } = readEditor(editor);
    return maskAt(text, cursor) ?? partialMask(text, cursor);
  }

  /** Return the items of fillmask-ls that fill one mask. */
  const fillmaskItems = reply => (reply?.items ?? []).filter(item => [MASK, MASK + item.label].includes(item.filterText));

  /** The replies of jupyterlab-lsp to requests at a mask. Other providers wait for them. */
  const replies = new WeakMap();

  /** Make the suggestions of jupyterlab-lsp replace the mask. */
  function replaceMasks(provider) {
    const fetch = provider.fetch.bind(provider);
    provider.fetch = async (request, context, trigger) => {
      const span = context.editor && replacedSpan(context.editor);
      if (!span) {
        return fetch(request, context, trigger);
      }
      const { text, cursor } = readEditor(context.editor);
      // Completion replies count code points; jupyterlab-lsp and JavaScript count UTF-16 code units.
      const toCodePoints = index => Array.from(text.slice(0, index)).length;
      const pending = fetch({ ...request, offset: cursor }, context, trigger);
      replies.set(request, pending.catch(() => null));
      const reply = await pending;
      const items = fillmaskItems(reply);
      return items.length ? { ...reply, items, start: toCodePoints(span.start), end: toCodePoints(span.end) } : reply;
    };
    const shouldShow = provider.shouldShowContinuousHint.bind(provider);
    provider.shouldShowContinuousHint = (visible, changed, context) => {
      const changes = changed.sourceChange ?? [];
      const typed = changes.some(change => change.insert) && !changes.some(change => change.delete);
      const { text, cursor } = context?.editor ? readEditor(context.editor) : { text: '', cursor: 0 };
      return (typed && maskAt(text, cursor) !== null) || shouldShow(visible, changed, context);
    };
  }

  /**
   * Suppress the suggestions of another provider at masks. They would shrink the replaced span, and in Markdown cells the
   * kernel's suggestions are meaningless.
   */
  function suppressAtMasks(provider) {
    const fetch = provider.fetch.bind(provider);
    provider.fetch = async (request, context, trigger) => {
      const [reply, words] = await Promise.all([fetch(request, context, trigger), replies.get(request)]);
      const isMarkdown = replies.has(request) && context.editor.host.closest('.jp-MarkdownCell');
      return fillmaskItems(words).length || isMarkdown ? { ...reply, items: [] } : reply;
    };
  }

  /** Bind Tab in Markdown cells: notebooks complete in code cells only. */
  function completeInMarkdownCells(app, manager, connections) {
    const command = 'fillmask:complete-in-markdown-cell';
    app.commands.addCommand(command, {
      label: 'Show suggestions for the mask at the cursor',
      execute: async () => {
        const panel = app.shell.currentWidget;
        const editor = panel?.content?.activeCell?.editor;
        if (editor && replacedSpan(editor)) {
          // Without this, requests for a cell that was opened after the last edit fail.
          await connections.adapters.get(panel.context.path)?.updateDocuments();
          manager.invoke(panel.id);
        }
      }
    });
    app.commands.addKeyBinding({
      command,
      keys: ['Tab'],
      selector:
        '.jp-Notebook.jp-mod-editMode .jp-MarkdownCell .jp-mod-completer-enabled:not(.jp-mod-at-line-beginning)'
    });
  }

  let sharedScope;

  async function extension() {
    const [{ ICompletionProviderManager }, { ILSPDocumentConnectionManager }] = await Promise.all(
      ['completer', 'lsp'].map(async name => (await Object.values(sharedScope[`@jupyterlab/${name}`])[0].get())())
    );
    return {
      id: 'fillmask:completion',
      autoStart: true,
      requires: [ICompletionProviderManager, ILSPDocumentConnectionManager],
      activate: (app, manager, connections) => {
        // jupyterlab-lsp has registered its provider once all extensions have started. Awaiting that here would deadlock.
        app.started.then(() => {
          const { lsp, ...others } = Object.fromEntries(manager.getProviders());
          if (lsp) {
            replaceMasks(lsp);
            Object.values(others).forEach(suppressAtMasks);
            completeInMarkdownCells(app, manager, connections);
          } else {
            console.warn('fillmask: The provider of jupyterlab-lsp is missing. Install jupyterlab-lsp and enable its completions.');
          }
        });
      }
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.fillmask = {
    init: scope => {
      sharedScope = scope;
    },
    get: async () => {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    }
  };
})();
