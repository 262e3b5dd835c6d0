"""Where a home's sidecar serves candles and health, and the token it wants: the environment, else a file of the home.

The sidecar writes the file when it begins to listen. The environment is for a bot in another container.
"""

import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

FEED_URL = "RECOVERY_FEED_URL"
FEED_TOKEN = "RECOVERY_FEED_TOKEN"
SERVER_FILE = Path("data") / "feed_server.json"

_URL = re.compile(r"https?://[^/?#\s@]+(/[^?#\s]*)?")
_TOKEN = re.compile(r"[!-~]{1,512}")  # what may stand in a header
_ONLY_ITS_OWNER = 0o600


class FeedAddressError(Exception):
    """It is not known where the sidecar listens. The message is one sentence."""


@dataclass(frozen=True)
class FeedAddress:
    """Where it listens.

    Attributes:
        url: Base URL, `http://HOST:PORT`, without a slash at its end.
        token: To be sent as `Authorization: Bearer TOKEN`.
    """

    url: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"}


def find_address(home: Path) -> FeedAddress:
    """The sidecar of a home. Asked anew before each connection, because a sidecar may come back at another port.

    Raises:
        FeedAddressError: Neither the environment nor the home names one, or what they name is wrong.
    """
    url, token = os.environ.get(FEED_URL, ""), os.environ.get(FEED_TOKEN, "")
    if bool(url) != bool(token):
        raise FeedAddressError(f"{FEED_URL} and {FEED_TOKEN}: must both be set, or neither")
    if url:
        return _checked(url, token, "the environment", FEED_URL, FEED_TOKEN)
    return _read(home / SERVER_FILE)


def _read(path: Path) -> FeedAddress:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        raise FeedAddressError(
            f"{path}: not there, so no sidecar serves this home; start it with recovery sidecar"
        ) from None
    except (OSError, ValueError) as error:
        raise FeedAddressError(f"{path}: cannot be read: {type(error).__name__}") from error
    if not isinstance(content, dict) or not all(isinstance(content.get(name), str) for name in ("url", "token")):
        raise FeedAddressError(f"{path}: must hold url and token")
    return _checked(content["url"], content["token"], str(path), "url", "token")


def _checked(url: str, token: str, where: str, url_name: str, token_name: str) -> FeedAddress:
    if not _URL.fullmatch(url):
        raise FeedAddressError(f"{where}: {url_name}: must be an address, as in http://127.0.0.1:8766")
    if not is_token(token):
        raise FeedAddressError(f"{where}: {token_name}: must be 1 to 512 printable characters without a space")
    return FeedAddress(url.rstrip("/"), token)


def is_token(text: str) -> bool:
    """Whether a text may stand in a header as a token."""
    return _TOKEN.fullmatch(text) is not None


def write_address(home: Path, address: FeedAddress) -> None:
    """Say where this home's sidecar listens. Only the file's owner may read it, from its first byte on.

    Raises:
        OSError: The home's data folder cannot be written.
    """
    path = home / SERVER_FILE
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_ITS_OWNER), "w") as file:
        json.dump({"url": address.url, "token": address.token}, file)
    draft.replace(path)


def remove_address(home: Path, address: FeedAddress) -> None:
    """Take the file back when the sidecar ends, unless another one has written its own meanwhile."""
    try:
        is_ours = _read(home / SERVER_FILE) == address
    except FeedAddressError:
        return
    if is_ours:
        (home / SERVER_FILE).unlink(missing_ok=True)
