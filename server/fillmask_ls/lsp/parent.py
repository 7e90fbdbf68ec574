"""The end of a server whose editor died without a word."""

from __future__ import annotations

import logging
import os
import threading
import time

logger = logging.getLogger(__name__)

_SECONDS_BETWEEN_LOOKS = 2


def watch(process_id: int) -> None:
    """End this process soon after the process ``process_id`` has ended, whatever any thread is doing."""

    def run() -> None:
        import psutil

        try:
            parent = psutil.Process(process_id)
            while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
                time.sleep(_SECONDS_BETWEEN_LOOKS)
        except psutil.NoSuchProcess:
            pass
        except (psutil.Error, ValueError) as error:
            logger.warning("can't watch the client's process: %s", type(error).__name__)
            return
        logger.info("the client's process is gone")
        os._exit(1)

    threading.Thread(target=run, name="fillmask-parent", daemon=True).start()
