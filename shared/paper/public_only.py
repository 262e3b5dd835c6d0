"""A real connector class with its private half cut off: no keys, no private streams, nothing to resume from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hummingbot.core.web_assistant.auth import AuthBase
from hummingbot.core.web_assistant.connections.data_types import RESTRequest, WSRequest

if TYPE_CHECKING:
    # The real class stands behind the mixin at run time; Hummingbot is untyped, so its members are Any.
    from hummingbot.connector.perpetual_derivative_py_base import PerpetualDerivativePyBase as RealConnector
else:
    RealConnector = object


class NoCredentials(AuthBase):
    """Sends public requests as anyone may: an invalid key would be refused even on public endpoints."""

    async def rest_authenticate(self, request: RESTRequest) -> RESTRequest:
        return request

    async def ws_authenticate(self, request: WSRequest) -> WSRequest:
        return request


class PublicOnlyConnector(RealConnector):
    """Mixed in front of a real connector class, which then keeps to the venue's public data."""

    @property
    def authenticator(self) -> AuthBase:
        return NoCredentials()

    async def _update_trading_fees(self) -> None:
        """Fees are fixed for the run."""

    async def _user_stream_event_listener(self) -> None:
        """Order and balance events are made here, not received."""

    def _create_user_stream_tracker_task(self) -> None:
        """There is no private stream to open."""

    def _is_user_stream_initialized(self) -> bool:
        return True

    def _get_poll_interval(self, timestamp: float) -> float:
        # Without a user stream Hummingbot would poll the venue's clock every 5 s.
        return self.LONG_POLL_INTERVAL

    @property
    def tracking_states(self) -> dict[str, Any]:
        """Paper orders live in this process only: there is nothing to resume from."""
        return {}

    def restore_tracking_states(self, saved_states: Mapping[str, Any]) -> None:
        if saved_states:
            self.logger().warning(f"{len(saved_states)} paper orders of an earlier process ended with it.")
