"""Faults by HTTP while the venue runs, for this machine only, and the connections that came of them.

POST   /control/faults        a fault, or a list of them
GET    /control/faults        all there are
DELETE /control/faults or /control/faults/NUMBER
GET    /control/connections
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from aiohttp import web

from shared.simulator.egress import is_loopback
from shared.simulator.fault_script import read_fault
from shared.simulator.faults import FaultError, Faults, Injection
from shared.simulator.rest_faults import Handler
from shared.wire.config_errors import ConfigError

FAULTS_PATH = "/control/faults"
CONNECTIONS_PATH = "/control/connections"


class FaultControl:
    """The control address.

    Args:
        connections: By source, what it tells of its connections.
    """

    def __init__(self, faults: Faults, connections: Mapping[str, Callable[[], dict[str, Any]]]) -> None:
        self._faults = faults
        self._reports = connections

    def routes(self) -> list[web.RouteDef]:
        """All of it."""
        return [
            web.post(FAULTS_PATH, _local(self._add)),
            web.get(FAULTS_PATH, _local(self._list)),
            web.delete(FAULTS_PATH, _local(self._lift_all)),
            web.delete(FAULTS_PATH + r"/{number:\d+}", _local(self._lift)),
            web.get(CONNECTIONS_PATH, _local(self._connections)),
        ]

    async def _add(self, request: web.Request) -> web.StreamResponse:
        if request.content_type != "application/json":  # a web page of elsewhere cannot say so
            return _refused(415, "Content-Type must be application/json")
        try:
            content = json.loads(await request.text())
            wanted = content if isinstance(content, list) else [content]
            if not all(isinstance(one, dict) for one in wanted):
                return _refused(400, "the body must be a fault or a list of faults")
            added = [self._faults.add(fault) for fault in [read_fault(one) for one in wanted]]
        except (ValueError, ConfigError, FaultError) as error:
            return _refused(400, str(error))
        return web.json_response([_shown(injection) for injection in added], status=201)

    async def _list(self, _: web.Request) -> web.StreamResponse:
        return web.json_response([_shown(injection) for injection in self._faults.listed()])

    async def _lift_all(self, _: web.Request) -> web.StreamResponse:
        self._faults.lift_all()
        return web.json_response([])

    async def _lift(self, request: web.Request) -> web.StreamResponse:
        number = int(request.match_info["number"])
        if not self._faults.lift(number):
            return _refused(404, f"there is no fault {number}")
        return web.json_response([])

    async def _connections(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({name: report() for name, report in self._reports.items()})


def _local(answer: Handler) -> Handler:
    async def handle(request: web.Request) -> web.StreamResponse:
        if request.remote is None or not is_loopback(request.remote):
            return _refused(403, "faults are controlled from this machine only")
        return await answer(request)

    return handle


def _refused(status: int, message: str) -> web.Response:
    return web.json_response({"error": message}, status=status)


def _shown(injection: Injection) -> dict[str, Any]:
    """An injection as JSON has it; fields that say nothing are left out."""
    told = {name: value for name, value in asdict(injection.fault).items() if value is not None}
    return {
        **told,
        "number": injection.number,
        "begins_s": injection.begins_s,
        "ends_s": injection.ends_s,
        "used": injection.used,
        "first_s": injection.first_s,
        "is_in_force": injection.is_in_force,
        "is_over": injection.is_over,
    }
