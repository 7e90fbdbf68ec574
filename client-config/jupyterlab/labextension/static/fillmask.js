// jupyterlab-lsp has a word replace the token of the syntax at the cursor: of a mask that is its bracket, or nothing.
// With this, a word replaces the mask and the letters typed behind it, as the server says; and Tab lists the words in
// a notebook's Markdown cells, too, where it does nothing otherwise.
//
// It is an extension as JupyterLab loads it, a container of Webpack's module federation, written by hand: no build.
(() => {
  const MASK = '[MASK]';
  const LONGEST_PREFIX = 64;
  const TYPED = /\[MASK\](?:[\p{L}\p{M}\p{N}]+(?:['’-][\p{L}\p{M}\p{N}]*)*)?$/u;
  const OPENED = /\[(?:M(?:A(?:SK?)?)?)?$/i;

  /** Where the mask that the cursor is in or behind begins and ends, with the letters typed behind it. */
  function maskAt(text, cursor) {
    const low = Math.max(0, cursor - MASK.length - LONGEST_PREFIX);
    const typed = TYPED.exec(text.slice(low, cursor));
    if (typed) {
      return { start: low + typed.index, end: cursor };
    }
    const start = cursor > 0 ? text.lastIndexOf(MASK, cursor - 1) : -1;
    return start >= 0 && cursor < start + MASK.length ? { start, end: start + MASK.length } : null;
  }

  /** The beginning of a mask before the cursor, with a bracket that closed by itself. */
  function openedAt(text, cursor) {
    const opened = OPENED.exec(text.slice(0, cursor));
    return opened && { start: opened.index, end: cursor + (text[cursor] === ']' ? 1 : 0) };
  }

  function atCursor(editor) {
    const text = editor.model.sharedModel.getSource();
    return { text, cursor: editor.getOffsetAt(editor.getCursorPosition()) };
  }

  /** What a word replaces at the cursor. */
  function placeAt(editor) {
    const { text, cursor } = atCursor(editor);
    return maskAt(text, cursor) ?? openedAt(text, cursor);
  }

  /** The items of ours that are for one mask. */
  const ours = reply => (reply?.items ?? []).filter(item => [MASK, MASK + item.label].includes(item.filterText));

  /** The replies of jupyterlab-lsp to requests at a mask, which the other providers wait for. */
  const replies = new WeakMap();

  function replaceMasks(provider) {
    const fetch = provider.fetch.bind(provider);
    provider.fetch = async (request, context, trigger) => {
      const place = context.editor && placeAt(context.editor);
      if (!place) {
        return fetch(request, context, trigger);
      }
      const { text, cursor } = atCursor(context.editor);
      // Requests and replies count an emoji as one; jupyterlab-lsp and this count it as two, as JavaScript does.
      const counted = index => Array.from(text.slice(0, index)).length;
      const pending = fetch({ ...request, offset: cursor }, context, trigger);
      replies.set(request, pending.catch(() => null));
      const reply = await pending;
      const items = ours(reply);
      return items.length ? { ...reply, items, start: counted(place.start), end: counted(place.end) } : reply;
    };
    const shouldShow = provider.shouldShowContinuousHint.bind(provider);
    provider.shouldShowContinuousHint = (visible, changed, context) => {
      const changes = changed.sourceChange ?? [];
      const typed = changes.some(change => change.insert) && !changes.some(change => change.delete);
      const { text, cursor } = context?.editor ? atCursor(context.editor) : { text: '', cursor: 0 };
      return (typed && maskAt(text, cursor) !== null) || shouldShow(visible, changed, context);
    };
  }

  /** What else fits there would narrow what is replaced; and in text, what the kernel says is no answer. */
  function yieldAtMasks(provider) {
    const fetch = provider.fetch.bind(provider);
    provider.fetch = async (request, context, trigger) => {
      const [reply, words] = await Promise.all([fetch(request, context, trigger), replies.get(request)]);
      const inText = replies.has(request) && context.editor.host.closest('.jp-MarkdownCell');
      return ours(words).length || inText ? { ...reply, items: [] } : reply;
    };
  }

  /** The notebook completes in code cells only. */
  function completeInMarkdownCells(app, manager, connections) {
    const command = 'fillmask:complete-in-markdown-cell';
    app.commands.addCommand(command, {
      label: 'List the words for the mask at the cursor',
      execute: async () => {
        const panel = app.shell.currentWidget;
        const editor = panel?.content?.activeCell?.editor;
        if (editor && placeAt(editor)) {
          // Of a cell that was opened since the last edit nothing can be asked.
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

  let shared;

  async function extension() {
    const [{ ICompletionProviderManager }, { ILSPDocumentConnectionManager }] = await Promise.all(
      ['completer', 'lsp'].map(async name => (await Object.values(shared[`@jupyterlab/${name}`])[0].get())())
    );
    return {
      id: 'fillmask:completion',
      autoStart: true,
      requires: [ICompletionProviderManager, ILSPDocumentConnectionManager],
      activate: (app, manager, connections) => {
        // Not awaited, for it waits for this: only then the provider of jupyterlab-lsp is sure to be there.
        app.started.then(() => {
          const { lsp, ...others } = Object.fromEntries(manager.getProviders());
          if (lsp) {
            replaceMasks(lsp);
            Object.values(others).forEach(yieldAtMasks);
            completeInMarkdownCells(app, manager, connections);
          } else {
            console.warn('fillmask: there is no jupyterlab-lsp, or its completions are disabled');
          }
        });
      }
    };
  }

  window._JUPYTERLAB = window._JUPYTERLAB || {};
  window._JUPYTERLAB.fillmask = {
    init: scope => {
      shared = scope;
    },
    get: async () => {
      const plugin = await extension();
      return () => ({ __esModule: true, default: plugin });
    }
  };
})();
