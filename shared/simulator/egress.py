"""No way out: in a simulated run every host but this machine is refused, counted and reported."""

import ipaddress
from collections import Counter


class EgressRefused(ConnectionError):
    """Something tried to reach another host in a run that must not."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} was refused: a simulated run reaches this machine only")
        self.host = host


class EgressGuard:
    """Decides which hosts may be reached, and keeps count of those that may not.

    Attributes:
        refused: Attempts by host.
    """

    def __init__(self) -> None:
        self.refused: Counter[str] = Counter()

    def check(self, host: str) -> None:
        """Let loopback pass.

        Raises:
            EgressRefused: The host is not this machine.
        """
        if not is_loopback(host):
            self.refused[host] += 1
            raise EgressRefused(host)


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine's own."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
