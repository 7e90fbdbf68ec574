"""Use Neovim, configured as ``client-config/neovim/README.md`` describes."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from clients.editors import (
    PARIS,
    find_program,
    run_readme_block,
    skip_or_fail,
    wait_until,
)
from clients.neovim import README, Neovim, OpenDocument, start_neovim

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]


@pytest.fixture(scope="module", params=["neovim", "neovim-next"])
def shared_neovim(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    """A new user's Neovim: the supported version, and a newer one if installed."""
    path = find_program(request.param, "nvim" if request.param == "neovim" else "nvim-next")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "home").mkdir()
    run_readme_block(README, "mkdir", folder / "home")
    with start_neovim(request.param, path, folder) as editor:
        if not editor.rpc.funcs.has("nvim-0.11"):
            skip_or_fail(request.param, f"{path} is older than 0.11")
        yield editor


@pytest.fixture
def open_document(shared_neovim: Neovim) -> OpenDocument:
    """Open a document in the shared Neovim, after other commands."""

    def open_document(name: str, content: str | bytes, *commands: str) -> Neovim:
        document = shared_neovim.folder / name
        document.write_bytes(content if isinstance(content, bytes) else content.encode())
        shared_neovim.press("<Esc>")
        for command in ["mapclear!", "let g:fillmask = {}", *commands, "silent! %bwipeout!", "messages clear"]:
            shared_neovim.rpc.command(command)
        shared_neovim.rpc.command(f"silent edit {document}")
        shared_neovim.wait_for_server()
        shared_neovim.wait_for_model()
        return shared_neovim

    return open_document


def test_accepted_suggestion_replaces_the_mask_in_one_undo_step(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Line one.\n")
    assert editor.messages == ""
    editor.press("o")
    editor.type(PARIS)
    words = editor.wait_for_suggestions()
    editor.keep_screen("suggestions")
    assert all(word in editor.screen for word in words)
    assert "%" in editor.screen
    assert editor.line == PARIS
    editor.press("<C-n>", "<C-n>", "<C-y>")
    wait_until(lambda: editor.line == f"Paris is the capital of {words[1]}", "the accepted word")
    editor.type(" today")
    assert editor.line == f"Paris is the capital of {words[1]} today"
    editor.press("<Esc>", "u")
    assert editor.line == PARIS
    editor.press("u")
    assert editor.text == "Line one."
    # Neovim reports a completion that became stale, which happens if one types fast on a busy machine.
    problems = [line for line in editor.messages.splitlines() if "fillmask" in line and "-32801" not in line]
    assert problems == []


def test_opening_bracket_suggests_a_mask_and_then_its_words(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "It was a nice \n")
    editor.press("A")
    editor.type("[")
    assert editor.wait_for_suggestions(bool) == ["[MASK]"]
    editor.press("<C-n>", "<C-y>")
    words = editor.wait_for_suggestions(lambda shown: len(shown) > 1)
    assert editor.line == "It was a nice [MASK]"
    editor.press("<C-n>", "<C-y>")
    assert editor.line == f"It was a nice {words[0]}"


def test_letters_after_the_mask_filter_the_suggestions(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "")
    editor.press("i")
    editor.type(PARIS)
    editor.wait_for_suggestions()
    editor.type("F")
    editor.wait_for_suggestions(lambda words: bool(words) and all(word.startswith("F") for word in words))
    editor.type("r")
    words = editor.wait_for_suggestions(lambda words: bool(words) and all(word.startswith("Fr") for word in words))
    assert words[0] == "France"
    editor.press("<C-n>", "<C-y>")
    assert editor.line == "Paris is the capital of France"


def test_manual_completion_after_an_emoji(open_document: OpenDocument) -> None:
    editor = open_document(
        "letter.txt", "👩‍👩‍👧 é Paris is the [MASK] of France.\n", "let g:fillmask = {'autotrigger': v:false}"
    )
    editor.press("f]", "a")
    words = editor.complete()
    editor.press("<C-n>", "<C-y>")
    selected = editor.line.removeprefix("👩‍👩‍👧 é Paris is the ").removesuffix(" of France.")
    assert selected in words[:2]


def test_completion_with_the_cursor_inside_the_mask(open_document: OpenDocument) -> None:
    editor = open_document("module.py", "# é 😀 Paris is the [MASK] of France.\n")
    editor.press("fK", "i")
    words = editor.complete()
    editor.press("<C-n>", "<C-y>")
    wait_until(lambda: editor.line == f"# é 😀 Paris is the {words[0]} of France.", "the accepted word")
    editor.press("<Esc>", "u")
    assert editor.line == "# é 😀 Paris is the [MASK] of France."


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("notes.md", "- **Paris** is the capital of ", "."), ("module.py", "# Paris is the capital of ", "")],
)
def test_completion_with_automatically_closed_brackets(
    open_document: OpenDocument, name: str, before: str, after: str
) -> None:
    editor = open_document(name, "\n", "inoremap [ []<Left>", "inoremap ] <Right>")
    editor.press("i")
    editor.type(before + "[MASK]")
    assert editor.line == f"{before}[MASK]"
    editor.press("<Esc>", "A")
    editor.type(after)
    editor.press("<Esc>", "F]", "a")
    words = editor.complete()
    editor.press("<C-n>", "<C-y>")
    assert editor.line == f"{before}{words[0]}{after}"


def test_completion_in_a_code_comment(open_document: OpenDocument) -> None:
    editor = open_document("module.py", "def f():\n    pass\n")
    editor.press("O")
    editor.type("# This function returns the [MASK]")
    words = editor.wait_for_suggestions()
    editor.press("<C-n>", "<C-y>")
    assert editor.line == f"# This function returns the {words[0]}"


def test_completion_keeps_windows_line_endings(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", b"Line one.\r\nParis is the [MASK] of France.\r\n")
    editor.press("j", "f]", "a")
    words = editor.complete()
    editor.press("<C-n>", "<C-y>", "<Esc>")
    editor.rpc.command("write")
    saved = (editor.folder / "letter.txt").read_bytes()
    assert saved == f"Line one.\r\nParis is the {words[0]} of France.\r\n".encode()


def test_hover_shows_the_prediction(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Paris is the [MASK] of France.\n")
    editor.press("fM", "K")
    floating = """
      for _, window in ipairs(vim.api.nvim_list_wins()) do
        if vim.api.nvim_win_get_config(window).relative ~= '' then
          return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), '\\n')
        end
      end
    """
    shown = wait_until(lambda: editor.lua(floating), "the hover")
    editor.keep_screen("hover")
    assert "capital" in shown
    assert "like choosing among" in shown


@pytest.mark.parametrize("typed", ["", "hos"])
def test_words_without_a_mask_are_suggested_when_asked(open_document: OpenDocument, typed: str) -> None:
    editor = open_document("letter.txt", "The patient was taken to the X by ambulance.\n")
    editor.press("fX", "s")
    editor.type(typed)
    editor.press("<C-Space>")
    words = editor.wait_for_suggestions(bool)
    assert words[0] == "hospital"
    editor.keep_screen("without-mask")
    assert editor.line == f"The patient was taken to the {typed} by ambulance."
    editor.press("<C-n>", "<C-y>")
    assert editor.line == "The patient was taken to the hospital by ambulance."


def test_nothing_is_suggested_while_typing_or_in_code(open_document: OpenDocument) -> None:
    editor = open_document("program.py", "value = 1  # The patient was taken to the X by ambulance.\n")
    editor.press("fX", "s")
    editor.type("hos")
    assert editor.suggestions() == []
    editor.press("<Esc>", "0", "i", "<C-Space>", "<Esc>")
    assert editor.line.startswith("value = 1")


def test_accepted_ghost_text_closes_the_suggestions(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "")
    editor.press("i")
    editor.type(PARIS)
    editor.wait_for_suggestions()
    word = wait_until(editor.ghost_text, "the ghost text")
    editor.press("<C-l>")
    wait_until(lambda: editor.line == f"Paris is the capital of {word}", "the accepted word")
    assert editor.rpc.funcs.pumvisible() == 0


def test_hints_disappear_with_their_masks(open_document: OpenDocument) -> None:
    editor = open_document(
        "letter.txt", "Paris is the [MASK] of France.\n\nThe patient was taken to the [MASK] by ambulance.\n"
    )
    hints = "return #vim.lsp.inlay_hint.get({ bufnr = 0 })"
    wait_until(lambda: editor.lua(hints) == 2, "two hints")
    wait_until(lambda: editor.screen.count("%") == 2, "the hints on the screen")
    editor.keep_screen("hints")
    editor.press("f[", "d6l")
    wait_until(lambda: editor.lua(hints) == 1, "one hint")
    editor.press("G", "dd")
    wait_until(lambda: editor.lua(hints) == 0, "no hints")
    assert "%" not in editor.screen


def test_code_action_fills_the_mask(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Paris is the [MASK] of France. It is a [MASK] city.\n")
    editor.press("fM")
    titles = editor.run_code_action("Fill with")
    assert any("together" in title for title in titles), titles
    wait_until(lambda: editor.text.count("[MASK]") == 1, "one mask filled")
    editor.press("u")
    assert editor.text.count("[MASK]") == 2


def test_code_action_lists_other_words_for_a_word(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "She opened the door and let the cat in.\n")
    editor.rpc.command("call search('oor')")
    editor.run_code_action("Suggest other words for “door”")
    words = wait_until(lambda: titles if "%" in (titles := editor.lua("return _G.titles"))[0] else [], "the words")
    assert len(words) > 3
    assert not any(word.startswith("door ") for word in words)


def test_each_fill_is_at_the_cursor(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Paris is the [MASK] of France.\n\nThe sky is [MASK].\n")
    for line in (3, 1):
        editor.rpc.command(f"call cursor({line}, 14)")
        editor.rpc.command("FillmaskFill")
        wait_until(
            lambda line=line: "[MASK]" not in editor.text.splitlines()[line - 1], "the mask at the cursor filled"
        )


def test_fill_all_is_one_undo_step(open_document: OpenDocument) -> None:
    text = "Paris is the [MASK] of France. It is a [MASK] city.\n\nThe sky is [MASK]."
    editor = open_document("letter.txt", text + "\n")
    editor.rpc.command("FillmaskFillAll")
    wait_until(lambda: "[MASK]" not in editor.text, "all masks filled")
    editor.press("u")
    assert editor.text == text
    editor.rpc.command("1FillmaskFillAll")
    wait_until(lambda: editor.text.count("[MASK]") == 1, "the first paragraph filled")


def test_masked_words_are_restored(open_document: OpenDocument) -> None:
    text = "The quick brown fox jumps over the lazy dog."
    editor = open_document("letter.txt", text + "\n")
    editor.rpc.command("FillmaskMask 0.9")  # random: nine words give at least three masks nearly always
    wait_until(lambda: editor.text.count("[MASK]") >= 3, "three masks")
    editor.rpc.command("FillmaskUnmask")
    wait_until(lambda: editor.text == text, "the restored words")
    editor.rpc.command("FillmaskUnmask")
    wait_until(lambda: "Nothing to restore" in editor.messages, "the message")


def test_fill_command_fills_the_mask_at_the_cursor(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Paris is the [MASK] of France.\n")
    editor.press("fM")
    editor.rpc.command("FillmaskFill heart")
    wait_until(lambda: editor.text == "Paris is the heart of France.", "the accepted word")
    editor.rpc.command("FillmaskFill")
    wait_until(lambda: "no [MASK]" in editor.messages, "the message")


def test_commands_show_score_inspection_and_status(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "The quick brown fox jumps over the lazy dog.\n")
    editor.rpc.command("FillmaskScore")
    wait_until(lambda: editor.text.startswith("Pseudo-log-likelihood"), "the score")
    assert "| fox |" in editor.text
    editor.rpc.command("quit")
    editor.rpc.command("FillmaskInspect")
    wait_until(lambda: "erplexity" in editor.text, "the inspection")
    editor.keep_screen("inspect")
    editor.rpc.command("quit")
    editor.rpc.command("FillmaskStatus")
    wait_until(lambda: "fillmask-ls" in editor.messages, "the status")
    assert "ready, small built-in model" in editor.messages


def test_ghost_text_is_accepted_in_one_undo_step(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "", "let g:fillmask = {'autotrigger': v:false}")
    editor.press("i")
    editor.type("👩‍👩‍👧 " + PARIS)
    word = wait_until(editor.ghost_text, "the ghost text")
    editor.keep_screen("ghost")
    assert f"{PARIS}{word}" in editor.screen
    editor.type("Fr")
    wait_until(lambda: editor.ghost_text() == "ance", "the rest of the word")
    editor.press("<C-l>")
    wait_until(lambda: editor.line == "👩‍👩‍👧 Paris is the capital of France", "the accepted word")
    editor.type(".")
    assert editor.line == "👩‍👩‍👧 Paris is the capital of France."
    wait_until(lambda: editor.ghost_text() == "", "no ghost text")
    editor.press("<Esc>", "u")
    assert editor.line == f"👩‍👩‍👧 {PARIS}Fr"


def test_killed_server_is_started_again_by_edit(open_document: OpenDocument) -> None:
    editor = open_document("letter.txt", "Paris is the [MASK] of France.\n")
    for server in editor.servers():
        server.send_signal(signal.SIGKILL)
    wait_until(lambda: "quit with exit code" in editor.messages, "the message")
    editor.rpc.command("FillmaskFillAll")
    wait_until(lambda: "No server in this buffer" in editor.messages, "the message of the command")
    editor.press("<CR>", "<Esc>")  # confirm long messages
    editor.rpc.command("silent edit")
    editor.press("o")
    editor.type(PARIS)  # while the server starts
    words = editor.complete()  # a model that loads slowly leaves the first list empty
    editor.press("<C-n>", "<C-y>")
    assert editor.line == f"Paris is the capital of {words[0]}"
