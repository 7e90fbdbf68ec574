"""The shared engine that the settings name: a server at an address, or a provider of the Hugging Face hub."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fillmask_ls.engine import download, http_client
from fillmask_ls.engine.remote import RemoteEngine
from fillmask_ls.setting_types import is_loopback
from fillmask_ls.settings import Settings

_TIMEOUT_WITH_FALLBACK = 2.0
_TIMEOUT_WITHOUT_FALLBACK = 30.0
_HUB_ROUTER = "https://router.huggingface.co"


@dataclass(frozen=True, slots=True)
class SharedEngine:
    """A shared engine; an empty one stands for none.

    Attributes:
        url: its address; empty where a provider answers.
        provider, model: a provider of the hub, and the model it answers with.
        falls_back: whether the local model answers while the shared engine can't.
    """

    url: str = ""
    provider: str = ""
    model: str = ""
    falls_back: bool = True

    @classmethod
    def named_by(cls, settings: Settings) -> SharedEngine:
        """Return the shared engine that the settings name."""
        provider = "" if settings.engine_url else settings.engine_provider
        model = _provider_model(settings.model) if provider else ""
        return cls(settings.engine_url, provider, model, settings.engine_fallback)

    @property
    def host(self) -> str:
        """The host in its address, with the port."""
        return urlsplit(self.url).netloc

    @property
    def leaves_machine(self) -> bool:
        """Whether text may travel over a network."""
        return not self._is_on_this_machine if self.url else bool(self.provider)

    @property
    def _is_on_this_machine(self) -> bool:
        return is_loopback(urlsplit(self.url).hostname or "")

    def create_engine(self, token: str | None) -> RemoteEngine | None:
        """Return an engine that asks it; None for none.

        Args:
            token: from the client's secret store; by default from the environment.
        """
        if not (self.url or self.provider):
            return None
        return RemoteEngine(
            http_client.Address(self.url or _HUB_ROUTER, http_client.token_for(self.url, token)),
            bypass_proxy=self._is_on_this_machine,
            timeout=_TIMEOUT_WITH_FALLBACK if self.falls_back else _TIMEOUT_WITHOUT_FALLBACK,
            provider=self.provider,
            model=self.model,
        )


def _provider_model(model: str) -> str:
    """Return the model that a provider of the hub answers with: the settings' one, if it is a hub id."""
    return model if "/" in model and not Path(model).expanduser().is_absolute() else download.RECOMMENDED_MODEL
