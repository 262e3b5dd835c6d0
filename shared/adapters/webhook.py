"""Alerts to a web address that takes `{"text": "..."}`, as Slack's incoming webhooks do (docs.slack.dev, Incoming webhooks).

The address is a secret: whoever has it may post. It is in no message of ours.

WebhookError
├── WebhookUnavailable    not now: trying again may help
└── WebhookRefused        not until a person does something
"""

import asyncio
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp

from shared.wire.config_errors import ConfigError

WEBHOOK = "RECOVERY_ALERT_WEBHOOK"
_TIMEOUT = aiohttp.ClientTimeout(total=10.0)
# Slack cuts a text at 40,000 characters; nobody reads as many.
_LONGEST_TEXT = 3000
_LONGEST_ANSWER_BYTES = 200
_SUCCESS, _REDIRECTION, _TOO_MANY_REQUESTS, _SERVER_ERROR = 200, 300, 429, 500


class WebhookError(Exception):
    """An alert was not taken. The message is one sentence, without the address."""


class WebhookUnavailable(WebhookError):
    """Not now.

    Attributes:
        retry_after_s: What it asks to wait; None where it does not say.
    """

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WebhookRefused(WebhookError):
    """Trying again changes nothing until a person does something: the address is wrong or was taken back."""


class Webhook:
    """One address. An asynchronous context: connections are closed at its end.

    Args:
        url: The address.

    Raises:
        ConfigError: It is none.
    """

    def __init__(self, url: str) -> None:
        try:
            parts = urlsplit(url)
            is_address = parts.scheme in ("https", "http") and bool(parts.hostname) and url.isprintable()
        except ValueError:
            is_address = False
        if not is_address:
            raise ConfigError(f"{WEBHOOK}: must be an address, https://HOST/...")
        self._url = url
        self._host = parts.hostname
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Webhook({self._host})"

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=_TIMEOUT)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, text: str) -> None:
        """Tell it.

        Raises:
            WebhookError: It was not taken.
        """
        assert self._session is not None, "used outside of its context"
        try:
            # A redirection could lead the text anywhere.
            async with self._session.post(
                self._url, json={"text": text[:_LONGEST_TEXT]}, allow_redirects=False
            ) as answer:
                said = (await answer.content.read(_LONGEST_ANSWER_BYTES)).decode(errors="replace")
                status, retry_after = answer.status, answer.headers.get("Retry-After", "")
        except (aiohttp.ClientError, TimeoutError, asyncio.IncompleteReadError) as error:
            # Not its message: of some errors that is the address.
            raise WebhookUnavailable(f"{WEBHOOK}: {self._host} cannot be reached: {type(error).__name__}") from None
        if _SUCCESS <= status < _REDIRECTION:
            return
        sentence = f"{WEBHOOK}: {self._host} answered {status}: {' '.join(said.split())}"
        if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
            raise WebhookUnavailable(sentence, float(retry_after) if retry_after.isdecimal() else None)
        raise WebhookRefused(sentence)
