"""Carries alerts to the webhook: in their order, tried again for a while, never in anybody's way."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any

from shared.adapters.webhook import Webhook, WebhookRefused, WebhookUnavailable

# Older ones are of no use to anybody by the time so many wait.
_MOST_WAITING = 100
_LOOK_EVERY_S = 1.0


class AlertService:
    """Posts what was offered. One that is refused is dropped, and the refusal raised; one not taken now is kept.

    Args:
        webhook: Where to.
    """

    name = "alerts"

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook
        self._waiting: deque[str] = deque()
        self._sent = 0
        self._dropped = 0

    def offer(self, text: str) -> None:
        """Have it posted, if there is time; returns at once."""
        if len(self._waiting) >= _MOST_WAITING:
            self._waiting.popleft()
            self._dropped += 1
        self._waiting.append(text)

    async def step(self) -> float:
        """Post what waits.

        Raises:
            WebhookError: It is not taken.
        """
        while self._waiting:
            text = self._waiting.popleft()
            try:
                await self._webhook.post(text)
            except (WebhookUnavailable, asyncio.CancelledError):
                self._waiting.appendleft(text)
                raise
            except WebhookRefused:
                self._dropped += 1
                raise
            self._sent += 1
        return _LOOK_EVERY_S

    def detail(self) -> Mapping[str, Any]:
        return {"sent": self._sent, "waiting": len(self._waiting), "dropped": self._dropped}
