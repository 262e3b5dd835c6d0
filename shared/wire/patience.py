"""How long a stream waits for what."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take.

    Attributes:
        answer_s: A greeting, an answer to the key, the confirmation of a subscription.
        cooling_s: Shortest wait after a fault of the account. A little more is added, different each time.
        refused_s: The same after a refusal.
        life_s: A connection older than this is replaced; None: never.
        silence_s: Time without bars after which a connection is given up.
        ping_s: Silence after which the transport is pinged.
        pong_s: Time for the answer.
    """

    answer_s: float = 10.0
    cooling_s: float = 60.0
    refused_s: float = 900.0
    life_s: float | None = None
    silence_s: float = 90.0
    ping_s: float = 10.0
    pong_s: float = 10.0
