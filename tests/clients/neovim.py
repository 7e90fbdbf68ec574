"""Drive Neovim, configured as ``client-config/neovim/README.md`` describes."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from clients.editors import (
    CLIENT_CONFIG,
    TIMEOUT,
    artifacts_folder,
    skip_or_fail,
    user_environment,
    wait_until,
)

README = CLIENT_CONFIG / "neovim" / "README.md"
KEY_INTERVAL = 0.03
"""Seconds between two keys of a fast typist."""
ATTEMPT_TIMEOUT = 7
"""Seconds before completion is requested again: longer than the plugin waits for an answer."""

OpenDocument = Callable[..., "Neovim"]


class Neovim:
    """A Neovim with a document, driven by keys and commands.

    Attributes:
        rpc: the connection to Neovim.
        process: the process of Neovim.
        folder: contains the documents and the saved screens.
    """

    def __init__(self, rpc: Any, process: psutil.Process, folder: Path) -> None:
        self.rpc = rpc
        self.process = process
        self.folder = folder

    def lua(self, code: str, *arguments: Any) -> Any:
        return self.rpc.exec_lua(code, *arguments)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.rpc.input(key)

    def type(self, text: str) -> None:
        """Type a text, one key at a time."""
        for letter in text:
            self.rpc.input("<lt>" if letter == "<" else "<CR>" if letter == "\n" else letter)
            time.sleep(KEY_INTERVAL)

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

    def suggestions(self) -> list[str]:
        """Return the words in the completion menu, in order."""
        menu = self.rpc.funcs.complete_info(["items", "pum_visible"])
        return [item["word"] for item in menu["items"]] if menu["pum_visible"] else []

    def wait_for_suggestions(
        self, condition: Callable[[list[str]], bool] = lambda words: len(words) == 10, timeout: float = TIMEOUT
    ) -> list[str]:
        """Return the words in the completion menu once they satisfy the condition, by default ten words for a mask."""
        return wait_until(
            lambda: words if condition(words := self.suggestions()) else [], "the completion menu", timeout
        )

    def complete(self, condition: Callable[[list[str]], bool] = lambda words: len(words) == 10) -> list[str]:
        """Request completion until the menu satisfies the condition: a busy server may first send an empty list."""

        def attempt() -> list[str]:
            if not self.suggestions():
                self.press("<C-x><C-o>")
            with suppress(TimeoutError):
                return self.wait_for_suggestions(condition, ATTEMPT_TIMEOUT)
            if self.suggestions():  # a list that stays another one is asked for again
                self.press("<C-e>")
            return []

        return wait_until(attempt, "the completion menu")

    def ghost_text(self) -> str:
        return str(
            self.lua("""
              local marks = vim.api.nvim_buf_get_extmarks(
                0, vim.api.nvim_create_namespace('fillmask.ghost_text'), 0, -1, { details = true })
              return marks[1] and marks[1][4].virt_text[1][1] or ''
            """)
        )

    def servers(self) -> list[psutil.Process]:
        return [child for child in self.process.children() if child.name() == "fillmask-ls"]

    def wait_for_server(self) -> None:
        ready = "local c = vim.lsp.get_clients({ bufnr = 0, name = 'fillmask' })[1] return c ~= nil and c.initialized"
        wait_until(lambda: self.lua(ready), "the server")

    def wait_for_model(self) -> None:
        ready = """
          local command = { command = 'fillmask.status' }
          local answers = vim.lsp.buf_request_sync(0, 'workspace/executeCommand', command, 5000)
          for _, answer in pairs(answers or {}) do
            return answer.result ~= nil and answer.result.state == 'ready'
          end
          return false
        """
        wait_until(lambda: self.lua(ready), "the model")

    def keep_screen(self, name: str) -> None:
        version = self.lua("local v = vim.version() return ('%d.%d'):format(v.major, v.minor)")
        file = artifacts_folder(self.folder) / f"neovim-{version}-{name}.txt"
        file.write_text(self.screen, encoding="utf-8")

    def run_code_action(self, title: str) -> list[str]:
        """Run the first code action at the cursor whose title starts with a text. Return all titles."""
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
        return list(wait_until(lambda: self.lua("return _G.titles"), "the code actions"))


@contextmanager
def start_neovim(editor: str, path: str, folder: Path) -> Iterator[Neovim]:
    """Start Neovim for the user whose home is in the folder, and quit it afterwards."""
    try:
        import pynvim
    except ImportError:
        skip_or_fail(editor, "pynvim not found")
    before = set(psutil.Process().children())
    with pytest.MonkeyPatch.context() as patch:  # pynvim passes on this process's environment
        for name in [name for name in os.environ if name.startswith("XDG_")]:
            patch.delenv(name)
        for name, value in user_environment(folder / "home").items():
            patch.setenv(name, value)
        rpc = pynvim.attach("child", argv=[path, "--headless", "--embed"])
    [process] = set(psutil.Process().children()) - before
    yield Neovim(rpc, process, folder)
    children = process.children(recursive=True)
    rpc.command("qall!", async_=True)
    _, alive = psutil.wait_procs([process, *children], 10)
    rpc.close()
    for each in alive:
        each.kill()
    assert not alive, "Neovim and its child processes end"
