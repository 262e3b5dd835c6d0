"""A port to listen on, opened before anything is told where to find it."""

import socket

from shared.simulator.errors import VenueError


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to `host`, a numeric address, and `port`; 0 takes any free one.

    Raises:
        VenueError: It cannot be listened on.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise VenueError(
            f"The local venue cannot listen on {host}:{port} ({error.strerror}): stop what uses that"
            " port, or choose another one, or 0 for any free one."
        ) from error
    listener.setblocking(False)
    return listener
