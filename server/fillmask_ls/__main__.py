"""``python -m fillmask_ls`` is the command ``fillmask-ls``."""

import sys

from fillmask_ls.cli import main

if __name__ == "__main__":
    sys.exit(main())
