"""Where a home's sidecar listens: the environment, else a file that only its owner may read."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.adapters.feed_address import (
    FEED_TOKEN,
    FEED_URL,
    SERVER_FILE,
    FeedAddress,
    FeedAddressError,
    find_address,
    remove_address,
    write_address,
)

ADDRESS = FeedAddress("http://127.0.0.1:8766", "secret-token")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    for name in (FEED_URL, FEED_TOKEN):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def test_what_was_written_is_found(home: Path) -> None:
    write_address(home, ADDRESS)
    assert find_address(home) == ADDRESS
    assert stat.S_IMODE((home / SERVER_FILE).stat().st_mode) == 0o600
    assert ADDRESS.headers == {"Authorization": "Bearer secret-token"}
    assert "secret" not in repr(ADDRESS)


def test_a_file_left_over_by_a_crash_is_replaced_and_never_readable_by_others(home: Path) -> None:
    for name in (SERVER_FILE, SERVER_FILE.with_suffix(".new")):
        (home / name).write_text("{}")
        (home / name).chmod(0o644)
    write_address(home, ADDRESS)
    assert find_address(home) == ADDRESS
    assert stat.S_IMODE((home / SERVER_FILE).stat().st_mode) == 0o600
    assert [path.name for path in (home / "data").iterdir()] == [SERVER_FILE.name]


def test_the_environment_comes_first(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_address(home, ADDRESS)
    monkeypatch.setenv(FEED_URL, "http://sidecar:8766/")
    with pytest.raises(FeedAddressError, match=f"{FEED_URL} and {FEED_TOKEN}: must both be set, or neither"):
        find_address(home)
    monkeypatch.setenv(FEED_TOKEN, "another")
    assert find_address(home) == FeedAddress("http://sidecar:8766", "another")


def test_a_sidecar_takes_back_its_own_file_only(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remove_address(home, ADDRESS)
    write_address(home, FeedAddress("http://127.0.0.1:9", "of-another"))
    remove_address(home, ADDRESS)
    assert find_address(home).token == "of-another"
    write_address(home, ADDRESS)
    monkeypatch.setenv(FEED_URL, "http://sidecar:8766")
    monkeypatch.setenv(FEED_TOKEN, "another")
    remove_address(home, ADDRESS)
    assert not (home / SERVER_FILE).exists()


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda path: path.unlink(), "not there, so no sidecar serves this home; start it with recovery sidecar"),
        (lambda path: path.write_text("{"), "cannot be read: JSONDecodeError"),
        (lambda path: path.write_bytes(b"\xff\xfe"), "cannot be read: UnicodeDecodeError"),
        (lambda path: path.write_text("[]"), "must hold url and token"),
        (lambda path: path.write_text('{"url": "http://127.0.0.1:1"}'), "must hold url and token"),
        (
            lambda path: path.write_text('{"url": "ftp://secret@host", "token": "secret"}'),
            "url: must be an address, as in http://127.0.0.1:8766",
        ),
        (
            lambda path: path.write_text('{"url": "http://127.0.0.1:1", "token": "secret\\r\\nHost: x"}'),
            "token: must be 1 to 512 printable characters without a space",
        ),
    ],
)
def test_what_is_no_address_is_told_without_its_secret(spoil: Callable[[Path], None], told: str, home: Path) -> None:
    write_address(home, ADDRESS)
    spoil(home / SERVER_FILE)
    with pytest.raises(FeedAddressError) as refused:
        find_address(home)
    assert str(refused.value) == f"{home / SERVER_FILE}: {told}"
    assert "secret" not in str(refused.value)
