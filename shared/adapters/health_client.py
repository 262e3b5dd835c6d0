"""Asks a sidecar over HTTP how it is."""

import httpx

from shared.adapters.feed_address import FeedAddress
from shared.domain.health import HealthReport
from shared.wire.health_codec import HEALTH_PATH, HealthCodecError, read_report

_TIMEOUT_S = 5.0
_FOUND = (200, 503)  # the second where a check has failed


class NoReport(Exception):
    """The sidecar gave no report. The message is one sentence."""


def fetch_report(address: FeedAddress) -> HealthReport:
    """What the sidecar's last look came to.

    Raises:
        NoReport: It does not answer, or not with a report.
    """
    try:
        # What the environment says of proxies is not for a sidecar's address.
        with httpx.Client(trust_env=False, timeout=_TIMEOUT_S) as client:
            answer = client.get(address.url + HEALTH_PATH, headers=address.headers)
    except httpx.HTTPError as error:
        raise NoReport(f"{address.url}: does not answer ({type(error).__name__})") from None
    if answer.status_code not in _FOUND:
        raise NoReport(f"{address.url}: answered {answer.status_code}: {answer.text[:200].strip()}")
    try:
        return read_report(answer.content)
    except HealthCodecError:
        raise NoReport(f"{address.url}: answered {answer.status_code}: {answer.text[:200].strip()}") from None
