"""End the server when its editor's process ends, even if the editor's pipes stay open."""

from __future__ import annotations

import logging
import os
import threading
import time

logger = logging.getLogger(__name__)

_POLL_SECONDS = 2


def watch(process_id: int) -> None:
    """End this process within seconds after the process ``process_id`` has ended, whatever other threads are doing."""

    def run() -> None:
        import psutil

        try:
            parent = psutil.Process(process_id)
            while parent.is_running() and parent.status() != psutil.STATUS_ZOMBIE:
                time.sleep(_POLL_SECONDS)
        except psutil.NoSuchProcess:
            pass
        except (psutil.Error, ValueError) as error:
            logger.warning("cannot watch the client's process: %s", type(error).__name__)
            return
        logger.info("the client's process has ended")
        os._exit(1)

    threading.Thread(target=run, name="fillmask-parent", daemon=True).start()
