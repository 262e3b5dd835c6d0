"""What a trader should know reaches the log, and Hummingbot where it runs."""

import sys
from types import SimpleNamespace

import pytest

from shared.bot import notice


@pytest.mark.parametrize("is_there", [True, False])
def test_it_is_said_once_everywhere(
    is_there: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    application = SimpleNamespace(notify=told.append) if is_there else None
    module = SimpleNamespace(HummingbotApplication=SimpleNamespace(_main_app=application))
    monkeypatch.setitem(sys.modules, notice._APPLICATION, module)
    notice.notify("polygon is back")
    assert told == (["polygon is back"] if is_there else [])
    assert caplog.messages == ["polygon is back"]


def test_before_hummingbots_application_is_loaded_the_log_is_all(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delitem(sys.modules, notice._APPLICATION, raising=False)
    notice.notify("polygon is back")
    assert caplog.messages == ["polygon is back"]
    assert notice._APPLICATION not in sys.modules
