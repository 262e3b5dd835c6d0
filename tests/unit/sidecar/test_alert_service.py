"""Alerts on their way to the webhook: in order, tried again, bounded, and in nobody's way."""

import asyncio
from typing import cast

import pytest

from shared.adapters.webhook import Webhook, WebhookRefused, WebhookUnavailable
from shared.sidecar.alert_service import AlertService
from shared.sidecar.services import Supervision
from tests.conftest import VirtualRun


class FakeWebhook:
    """Takes alerts, save where its script says otherwise."""

    def __init__(self, *script: Exception | None) -> None:
        self.script = list(script)
        self.taken: list[str] = []

    async def post(self, text: str) -> None:
        await asyncio.sleep(0.01)
        error = self.script.pop(0) if self.script else None
        if error is not None:
            raise error
        self.taken.append(text)


def serving(webhook: FakeWebhook) -> AlertService:
    return AlertService(cast(Webhook, webhook))


async def supervised(service: AlertService, seconds: float) -> list[str]:
    lines: list[str] = []
    supervision = Supervision([service], lines.append)
    running = asyncio.create_task(supervision.run())
    await asyncio.sleep(seconds)
    supervision.stop()
    await running
    return lines


def test_one_not_taken_now_is_tried_again_before_those_after_it(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        webhook = FakeWebhook(None, WebhookUnavailable("busy", 30.0))
        service = serving(webhook)
        for text in "abc":
            service.offer(text)
        lines = await supervised(service, 29)
        assert webhook.taken == ["a"], "as long as it asked to wait"
        assert lines[0] == "alerts: waiting: busy"
        assert service.detail() == {"sent": 1, "waiting": 2, "dropped": 0}
        await supervised(service, 3)
        assert webhook.taken == ["a", "b", "c"]

    run_virtual(main())


def test_one_that_is_refused_is_dropped_and_the_refusal_shown(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        webhook = FakeWebhook(WebhookRefused("no such team"))
        service = serving(webhook)
        service.offer("a")
        service.offer("b")
        lines = await supervised(service, 5)
        assert lines[:2] == ["alerts: degraded: no such team", "alerts: running"]
        assert webhook.taken == ["b"]
        assert service.detail() == {"sent": 1, "waiting": 0, "dropped": 1}

    run_virtual(main())


def test_the_oldest_go_where_too_many_wait() -> None:
    service = serving(FakeWebhook())
    for number in range(130):
        service.offer(str(number))
    assert service.detail() == {"sent": 0, "waiting": 100, "dropped": 30}
    asyncio.run(service.step())
    assert service.detail() == {"sent": 100, "waiting": 0, "dropped": 30}


def test_one_cancelled_on_its_way_is_kept(run_virtual: VirtualRun) -> None:
    async def main() -> None:
        service = serving(FakeWebhook())
        service.offer("a")
        step = asyncio.create_task(service.step())
        await asyncio.sleep(0.005)
        step.cancel()
        with pytest.raises(asyncio.CancelledError):
            await step
        assert service.detail()["waiting"] == 1

    run_virtual(main())
