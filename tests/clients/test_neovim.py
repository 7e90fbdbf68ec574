"""A person at a real Neovim, with the files of ``client-config/neovim`` where its README says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from clients.editors import CLIENTS, artefact, environment, follow, missing, program, wait

pytestmark = [pytest.mark.clients, pytest.mark.timeout(180)]

README = CLIENTS / "neovim" / "README.md"
TYPED = "Paris is the capital of [MASK]"


Open = Callable[..., "Neovim"]


class Neovim:
    """A Neovim with a document, as a person sees it."""

    def __init__(self, rpc: Any, process: psutil.Process, folder: Path) -> None:
        self.rpc = rpc
        self.process = process
        self.folder = folder

    def lua(self, code: str, *arguments: Any) -> Any:
        return self.rpc.exec_lua(code, *arguments)

    def keys(self, *keys: str) -> None:
        for key in keys:
            self.rpc.input(key)

    def type(self, text: str) -> None:
        """One key at a time, as a fast typist."""
        for letter in text:
            self.rpc.input("<lt>" if letter == "<" else "<CR>" if letter == "\n" else letter)
            time.sleep(0.03)

    @property
    def line(self) -> str:
        return str(self.rpc.current.line)

    @property
    def text(self) -> str:
        return "\n".join(self.rpc.current.buffer[:])

    @property
    def screen(self) -> str:
        return str(
            self.lua("""
              vim.cmd.redraw()
              local rows = {}
              for row = 1, vim.o.lines do
                local cells = {}
                for column = 1, vim.o.columns do
                  cells[column] = vim.fn.screenstring(row, column)
                end
                rows[row] = table.concat(cells):gsub('%s+$', '')
              end
              return table.concat(rows, '\\n')
            """)
        )

    @property
    def messages(self) -> str:
        return str(self.rpc.command_output("messages"))

    def words(self) -> list[str]:
        """Those in the popup, as they stand there."""
        shown = self.rpc.funcs.complete_info(["items", "pum_visible"])
        return [item["word"] for item in shown["items"]] if shown["pum_visible"] else []

    def popup(self, of: Callable[[list[str]], bool] = lambda words: len(words) == 10) -> list[str]:
        """The words in the popup, when it shows what is waited for; by default ten words, not the mask itself."""
        wait(lambda: of(self.words()), "the popup")
        return self.words()

    def ghost(self) -> str:
        """The ghost text on the screen."""
        return str(
            self.lua("""
              local marks = vim.api.nvim_buf_get_extmarks(
                0, vim.api.nvim_create_namespace('fillmask.ghost_text'), 0, -1, { details = true })
              return marks[1] and marks[1][4].virt_text[1][1] or ''
            """)
        )

    def servers(self) -> list[psutil.Process]:
        return [child for child in self.process.children() if child.name() == "fillmask-ls"]

    def attached(self) -> None:
        ready = "local c = vim.lsp.get_clients({ bufnr = 0, name = 'fillmask' })[1] return c ~= nil and c.initialized"
        wait(lambda: self.lua(ready), "the server")

    def keep(self, name: str) -> None:
        version = self.lua("local v = vim.version() return ('%d.%d'):format(v.major, v.minor)")
        artefact(f"neovim-{version}-{name}.txt", self.folder, self.screen)

    def sample_mask(self, title: str) -> list[str]:
        """Ask for code actions at the cursor and choose the one with this title; returns all titles."""
        self.lua(
            """
              _G.titles = nil
              vim.ui.select = function(items, options, done)
                _G.titles = vim.tbl_map(options.format_item, items)
                for number, item in ipairs(items) do
                  if vim.startswith(_G.titles[number], ...) then return done(item, number) end
                end
              end
              vim.lsp.buf.code_action()
            """.replace("...", f"[=[{title}]=]")
        )
        return list(wait(lambda: self.lua("return _G.titles"), "the actions"))


@contextmanager
def started(editor: str, path: str, folder: Path) -> Iterator[Neovim]:
    """A Neovim of the user whose home is in a folder; ended afterwards."""
    try:
        import pynvim
    except ImportError:
        missing(editor, "there is no pynvim")
    before = set(psutil.Process().children())
    with pytest.MonkeyPatch.context() as patch:  # pynvim starts it with this process' environment
        for name in [name for name in os.environ if name.startswith("XDG_")]:
            patch.delenv(name)
        for name, value in environment(folder / "home").items():
            patch.setenv(name, value)
        rpc = pynvim.attach("child", argv=[path, "--headless", "--embed"])
    [process] = set(psutil.Process().children()) - before
    yield Neovim(rpc, process, folder)
    children = process.children(recursive=True)
    rpc.command("qall!", async_=True)
    _, alive = psutil.wait_procs([process, *children], 10)
    rpc.close()
    for left in alive:
        left.kill()
    assert not alive, "what Neovim started ends with it"


@pytest.fixture(scope="module", params=["neovim", "neovim-next"])
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    """A new user's Neovim, of the version that is tested always, and a newer one where there is one."""
    path = program(request.param, "nvim" if request.param == "neovim" else "nvim-next")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "home").mkdir()
    follow(README, "mkdir", folder / "home")
    with started(request.param, path, folder) as editor:
        if not editor.rpc.funcs.has("nvim-0.11"):
            missing(request.param, f"{path} is older than 0.11")
        yield editor


@pytest.fixture
def neovim(running: Neovim) -> Open:
    """Opens a document in it."""

    def open_(name: str, content: str | bytes, *commands: str) -> Neovim:
        document = running.folder / name
        document.write_bytes(content if isinstance(content, bytes) else content.encode())
        running.keys("<Esc>")
        for command in ["mapclear!", "let g:fillmask = {}", *commands, "silent! %bwipeout!", "messages clear"]:
            running.rpc.command(command)
        running.rpc.command(f"silent edit {document}")
        running.attached()
        return running

    return open_


def test_type_a_mask_choose_a_word_and_undo(neovim: Open) -> None:
    editor = neovim("letter.txt", "Line one.\n")
    assert editor.messages == ""
    editor.keys("o")
    editor.type(TYPED)
    words = editor.popup()
    editor.keep("popup")
    assert all(word in editor.screen for word in words)
    assert "%" in editor.screen
    assert editor.line == TYPED
    editor.keys("<C-n>", "<C-n>", "<C-y>")
    wait(lambda: editor.line == f"Paris is the capital of {words[1]}", "the word")
    editor.type(" today")
    assert editor.line == f"Paris is the capital of {words[1]} today"
    editor.keys("<Esc>", "u")
    assert editor.line == TYPED
    editor.keys("u")
    assert editor.text == "Line one."
    assert editor.messages.count("fillmask") == 0


def test_the_mask_itself_is_offered_at_the_bracket(neovim: Open) -> None:
    editor = neovim("letter.txt", "It was a nice \n")
    editor.keys("A")
    editor.type("[")
    assert editor.popup(bool) == ["[MASK]"]
    editor.keys("<C-n>", "<C-y>")
    assert editor.line == "It was a nice [MASK]"


def test_type_on_and_only_words_that_begin_so_are_left(neovim: Open) -> None:
    editor = neovim("letter.txt", "")
    editor.keys("i")
    editor.type(TYPED)
    editor.popup()
    editor.type("F")
    editor.popup(lambda words: bool(words) and all(word.startswith("F") for word in words))
    editor.type("r")
    words = editor.popup(lambda words: bool(words) and all(word.startswith("Fr") for word in words))
    assert words[0] == "France"
    editor.keys("<C-n>", "<C-y>")
    assert editor.line == "Paris is the capital of France"


def test_asked_for_by_hand_behind_an_emoji(neovim: Open) -> None:
    editor = neovim(
        "letter.txt", "👩‍👩‍👧 é Paris is the [MASK] of France.\n", "let g:fillmask = {'autotrigger': v:false}"
    )
    editor.keys("f]", "a", "<C-x><C-o>")
    words = editor.popup()
    editor.keys("<C-n>", "<C-y>")
    selected = editor.line.removeprefix("👩‍👩‍👧 é Paris is the ").removesuffix(" of France.")
    assert selected in words[:2]


def test_the_cursor_inside_the_mask(neovim: Open) -> None:
    editor = neovim("module.py", "# é 😀 Paris is the [MASK] of France.\n")
    editor.keys("fK", "i", "<C-x><C-o>")
    words = editor.popup()
    editor.keys("<C-n>", "<C-y>")
    wait(lambda: editor.line == f"# é 😀 Paris is the {words[0]} of France.", "the word")
    editor.keys("<Esc>", "u")
    assert editor.line == "# é 😀 Paris is the [MASK] of France."


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("notes.md", "- **Paris** is the capital of ", "."), ("module.py", "# Paris is the capital of ", "")],
)
def test_with_brackets_that_close_by_themselves(neovim: Open, name: str, before: str, after: str) -> None:
    editor = neovim(name, "\n", "inoremap [ []<Left>", "inoremap ] <Right>")
    editor.keys("i")
    editor.type(before + "[MASK]")
    assert editor.line == f"{before}[MASK]"
    editor.keys("<Esc>", "A")
    editor.type(after)
    editor.keys("<Esc>", "F]", "a", "<C-x><C-o>")
    words = editor.popup()
    editor.keys("<C-n>", "<C-y>")
    assert editor.line == f"{before}{words[0]}{after}"


def test_in_a_comment_of_a_program(neovim: Open) -> None:
    editor = neovim("module.py", "def f():\n    pass\n")
    editor.keys("O")
    editor.type("# This function returns the [MASK]")
    words = editor.popup()
    editor.keys("<C-n>", "<C-y>")
    assert editor.line == f"# This function returns the {words[0]}"


def test_a_file_with_line_ends_of_windows(neovim: Open) -> None:
    editor = neovim("letter.txt", b"Line one.\r\nParis is the [MASK] of France.\r\n")
    editor.keys("j", "f]", "a", "<C-x><C-o>")
    words = editor.popup()
    editor.keys("<C-n>", "<C-y>", "<Esc>")
    editor.rpc.command("write")
    saved = (editor.folder / "letter.txt").read_bytes()
    assert saved == f"Line one.\r\nParis is the {words[0]} of France.\r\n".encode()


def test_hover(neovim: Open) -> None:
    editor = neovim("letter.txt", "Paris is the [MASK] of France.\n")
    editor.keys("fM", "K")
    floating = """
      for _, window in ipairs(vim.api.nvim_list_wins()) do
        if vim.api.nvim_win_get_config(window).relative ~= '' then
          return table.concat(vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false), '\\n')
        end
      end
    """
    shown = wait(lambda: editor.lua(floating), "the hover")
    editor.keep("hover")
    assert "capital" in shown
    assert "Entropy" in shown


def test_hints_go_with_their_masks(neovim: Open) -> None:
    editor = neovim("letter.txt", "Paris is the [MASK] of France.\n\nThe sky is [MASK].\n")
    hints = "return #vim.lsp.inlay_hint.get({ bufnr = 0 })"
    wait(lambda: editor.lua(hints) == 2, "the hints")
    wait(lambda: editor.screen.count("%") == 2, "the hints on the screen")
    editor.keep("hints")
    editor.keys("f[", "d6l")
    wait(lambda: editor.lua(hints) == 1, "one hint less")
    editor.keys("G", "dd")
    wait(lambda: editor.lua(hints) == 0, "no hint left")
    assert "%" not in editor.screen


def test_code_actions(neovim: Open) -> None:
    editor = neovim("letter.txt", "Paris is the [MASK] of France. It is a [MASK] city.\n")
    editor.keys("fM")
    titles = editor.choose("Fill with")
    assert any("together" in title for title in titles), titles
    wait(lambda: editor.text.count("[MASK]") == 1, "one mask filled")
    editor.keys("u")
    assert editor.text.count("[MASK]") == 2


def test_fill_all_is_one_step_of_undo(neovim: Open) -> None:
    text = "Paris is the [MASK] of France. It is a [MASK] city.\n\nThe sky is [MASK]."
    editor = neovim("letter.txt", text + "\n")
    editor.rpc.command("FillmaskFillAll")
    wait(lambda: "[MASK]" not in editor.text, "all masks filled")
    editor.keys("u")
    assert editor.text == text
    editor.rpc.command("1FillmaskFillAll")
    wait(lambda: editor.text.count("[MASK]") == 1, "the first paragraph filled")


def test_hide_words_and_put_them_back(neovim: Open) -> None:
    text = "The quick brown fox jumps over the lazy dog."
    editor = neovim("letter.txt", text + "\n")
    editor.rpc.command("FillmaskMask 0.9")  # each word by chance: of nine, hardly ever fewer than three
    wait(lambda: editor.text.count("[MASK]") >= 3, "masks")
    editor.rpc.command("FillmaskUnmask")
    wait(lambda: editor.text == text, "the words")
    editor.rpc.command("FillmaskUnmask")
    wait(lambda: "no mask hides a word" in editor.messages, "the message")


def test_fill_the_mask_at_the_cursor(neovim: Open) -> None:
    editor = neovim("letter.txt", "Paris is the [MASK] of France.\n")
    editor.keys("fM")
    editor.rpc.command("FillmaskFill heart")
    wait(lambda: editor.text == "Paris is the heart of France.", "the word")
    editor.rpc.command("FillmaskFill")
    wait(lambda: "there is no [MASK]" in editor.messages, "the message")


def test_reports(neovim: Open) -> None:
    editor = neovim("letter.txt", "The quick brown fox jumps over the lazy dog.\n")
    editor.rpc.command("FillmaskScore")
    wait(lambda: editor.text.startswith("Pseudo-log-likelihood"), "the score")
    assert "| fox |" in editor.text
    editor.rpc.command("quit")
    editor.rpc.command("FillmaskInspect")
    wait(lambda: "erplexity" in editor.text, "the inspection")
    editor.keep("inspect")
    editor.rpc.command("quit")
    editor.rpc.command("FillmaskStatus")
    wait(lambda: "fillmask-ls" in editor.messages, "the status")
    assert "ready, embedded" in editor.messages


def test_ghost_text(neovim: Open) -> None:
    editor = neovim("letter.txt", "", "let g:fillmask = {'autotrigger': v:false}")
    editor.keys("i")
    editor.type("👩‍👩‍👧 " + TYPED)
    word = wait(editor.ghost, "the ghost text")
    editor.keep("ghost")
    assert f"{TYPED}{word}" in editor.screen
    editor.type("Fr")
    wait(lambda: editor.ghost() == "ance", "the rest of the word")
    editor.keys("<C-l>")
    wait(lambda: editor.line == "👩‍👩‍👧 Paris is the capital of France", "the word")
    editor.type(".")
    assert editor.line == "👩‍👩‍👧 Paris is the capital of France."
    wait(lambda: editor.ghost() == "", "no ghost text")
    editor.keys("<Esc>", "u")
    assert editor.line == f"👩‍👩‍👧 {TYPED}Fr"


def test_a_server_that_was_killed(neovim: Open) -> None:
    editor = neovim("letter.txt", "Paris is the [MASK] of France.\n")
    for server in editor.servers():
        server.send_signal(signal.SIGKILL)
    wait(lambda: "quit with exit code" in editor.messages, "the message")
    editor.rpc.command("FillmaskFillAll")
    wait(lambda: "no server in this buffer" in editor.messages, "the message of the command")
    editor.keys("<CR>", "<Esc>")  # long messages have to be confirmed
    editor.rpc.command("silent edit")
    editor.keys("o")
    editor.type(TYPED)  # while it starts
    words = editor.popup()
    editor.keys("<C-n>", "<C-y>")
    assert editor.line == f"Paris is the capital of {words[0]}"
