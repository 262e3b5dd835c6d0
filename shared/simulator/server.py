"""The venue on a port: Binance's REST and websockets, spot and USD-M perpetual, and the other sources beside them.

https://api.binance.com           ->  http://HOST:PORT/spot
wss://stream.binance.com:9443     ->  ws://HOST:PORT/spot
https://fapi.binance.com          ->  http://HOST:PORT/perpetual
wss://fstream.binance.com         ->  ws://HOST:PORT/perpetual
https://api.coingecko.com         ->  http://HOST:PORT/coingecko
https://pro-api.coingecko.com     ->  http://HOST:PORT/coingecko-pro
https://api.massive.com           ->  http://HOST:PORT/polygon
wss://socket.massive.com          ->  ws://HOST:PORT/polygon
"""

from aiohttp import web

from shared.simulator.bar_book import MarketBars
from shared.simulator.binance_sockets import BinanceSockets
from shared.simulator.binance_weights import error_body
from shared.simulator.coingecko_server import CoinGeckoApi, coingecko_face
from shared.simulator.errors import VenueError
from shared.simulator.fault_control import FaultControl
from shared.simulator.fault_kinds import Where
from shared.simulator.faults import Faults
from shared.simulator.listener import listen
from shared.simulator.polygon_server import PolygonFake
from shared.simulator.rest import RestApi, spot_pairs
from shared.simulator.rest_faults import RestFace, rest_faults
from shared.simulator.venue import Venue

SPOT_PREFIX = "/spot"
PERPETUAL_PREFIX = "/perpetual"
COINGECKO_PREFIX = "/coingecko"
COINGECKO_PRO_PREFIX = "/coingecko-pro"

# Idle connections are kept longer than any client keeps them, so that none is closed while a request is on its way.
_KEEPALIVE_S = 3600.0
_SHUTDOWN_S = 1.0


class VenueServer:
    """Serves one venue; starting and stopping it starts and stops the venue.

    Args:
        host: Address to listen on; a numeric one, so that no name is looked up.
        port: 0 takes any free port; see `port` after `start`.
        faults: What goes wrong, and when; default: nothing yet.

    Attributes:
        faults: What goes wrong; more can be added at any time.
        binance: Binance's websockets.
        polygon: Polygon: its bars and its connections.
    """

    def __init__(self, venue: Venue, host: str = "127.0.0.1", port: int = 0, faults: Faults | None = None) -> None:
        self._venue = venue
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self.faults = faults or Faults()
        self.binance = BinanceSockets(venue, self.faults)
        self.polygon = PolygonFake(MarketBars(venue), self.faults)

    @property
    def port(self) -> int:
        """The port listened on, once started."""
        return self._port

    @property
    def base_url(self) -> str:
        """`http://host:port`, once started."""
        return f"http://{self._host}:{self._port}"

    async def start(self) -> None:
        """Open the port and take up trading.

        Raises:
            VenueError: The port cannot be listened on, or the clock stands outside the venue's data.
        """
        listener = listen(self._host, self._port)
        try:
            self._venue.start()
        except VenueError:
            listener.close()
            raise
        self._port = listener.getsockname()[1]
        self._runner = web.AppRunner(
            self._application(), access_log=None, keepalive_timeout=_KEEPALIVE_S, shutdown_timeout=_SHUTDOWN_S
        )
        await self._runner.setup()
        await web.SockSite(self._runner, listener).start()
        self.polygon.start()
        self.faults.start()

    async def stop(self) -> None:
        """Close all connections and the port, and end trading; what made the venue fail is raised here."""
        self.faults.stop()
        self.binance.stop()
        await self.polygon.stop()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        await self._venue.stop()

    def _application(self) -> web.Application:
        application = web.Application(middlewares=[rest_faults(self.faults, self._faces())])
        for perpetual, prefix in ((False, SPOT_PREFIX), (True, PERPETUAL_PREFIX)):
            application.add_routes(RestApi(self._venue, perpetual, self.faults).routes(prefix))
        application.add_routes(self.binance.routes(SPOT_PREFIX, PERPETUAL_PREFIX))
        book = MarketBars(self._venue)
        for prefix, is_pro in ((COINGECKO_PREFIX, False), (COINGECKO_PRO_PREFIX, True)):
            application.add_routes(CoinGeckoApi(book, self.faults, is_pro).routes(prefix))
        application.add_routes(self.polygon.routes())
        connections = {"polygon": self.polygon.log.report, "binance": self.binance.log.report}
        application.add_routes(FaultControl(self.faults, connections).routes())
        return application

    def _faces(self) -> list[RestFace]:
        """The sources whose REST interfaces can be at fault."""
        binance = RestFace(
            Where.BINANCE, (SPOT_PREFIX + "/",), error_body, lambda request: spot_pairs(self._venue, request)
        )
        coingecko = coingecko_face((COINGECKO_PREFIX + "/", COINGECKO_PRO_PREFIX + "/"))
        return [binance, coingecko, self.polygon.face]
