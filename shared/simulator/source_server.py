"""Polygon alone on a port, without markets behind it: for more symbols and more hours than a traded market could be had of."""

from aiohttp import web

from shared.simulator.bar_book import BarBook
from shared.simulator.fault_control import FaultControl
from shared.simulator.faults import Faults
from shared.simulator.listener import listen
from shared.simulator.polygon_server import PolygonFake
from shared.simulator.rest_faults import rest_faults

_KEEPALIVE_S = 3600.0
_SHUTDOWN_S = 1.0


class SourceServer:
    """Serves Polygon's addresses from any book of bars.

    Args:
        bars: What Polygon has, e.g. `GeneratedBars`.
        faults: What goes wrong, and when.
        host: Address to listen on; a numeric one.
        port: 0 takes any free port; see `base_url` after `start`.
        keys: Keys it knows; None: every one that is not empty.

    Attributes:
        polygon: The source: its bars and its connections.
    """

    def __init__(
        self,
        bars: BarBook,
        faults: Faults,
        host: str = "127.0.0.1",
        port: int = 0,
        keys: frozenset[str] | None = None,
    ) -> None:
        self.polygon = PolygonFake(bars, faults, keys)
        self.faults = faults
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None

    @property
    def base_url(self) -> str:
        """`http://host:port`, once started."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Open the port and begin to send.

        Raises:
            VenueError: The port cannot be listened on.
        """
        listener = listen(self._host, self._port)
        self._port = listener.getsockname()[1]
        application = web.Application(middlewares=[rest_faults(self.faults, [self.polygon.face])])
        application.add_routes(self.polygon.routes())
        application.add_routes(FaultControl(self.faults, {"polygon": self.polygon.log.report}).routes())
        self._runner = web.AppRunner(
            application, access_log=None, keepalive_timeout=_KEEPALIVE_S, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self.polygon.start()
        self.faults.start()

    async def stop(self) -> None:
        """Close all connections and the port; what made the sending fail is raised here."""
        self.faults.stop()
        await self.polygon.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
