"""The command line ``fillmask-ls``: one file per command, each with ``add_parser`` and ``run``; :mod:`.main` parses."""

from .main import main as main
