"""A proxy before Postgres that can lose an answer: the statement is carried out, its acknowledgement never arrives."""

import socket
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_SOCKET = ".s.PGSQL.5432"


class LossyProxy:
    """Listens in a folder of its own on the socket Postgres's clients look for, and forwards to a server's socket.

    Args:
        folder: Where to listen; made if absent.
        server: Folder of the server's socket.
    """

    def __init__(self, folder: Path, server: Path) -> None:
        self.lost = 0
        self._server = server / _SOCKET
        self._to_lose = 0
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(folder / _SOCKET))
        self._listener.listen()
        self.url = f"postgresql://postgres@/postgres?host={folder}&port=5432"
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def lose_acknowledgements(self, count: int) -> None:
        """Lose the answers to the next `count` shipments."""
        with self._lock:
            self._to_lose += count

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as server:
            try:
                server.connect(str(self._server))
            except OSError:
                return
            shipping = threading.Event()
            answers = threading.Thread(target=self._forward, args=(server, client, shipping, False), daemon=True)
            answers.start()
            self._forward(client, server, shipping, True)
            answers.join()

    def _forward(
        self, source: socket.socket, target: socket.socket, shipping: threading.Event, to_server: bool
    ) -> None:
        try:
            while data := source.recv(1 << 16):
                if to_server and b'"kind":"' in data:
                    shipping.set()
                elif not to_server and shipping.is_set() and self._loses():
                    # The answer is here, so it is committed; the client sees its connection die instead.
                    break
                elif not to_server:
                    shipping.clear()
                target.sendall(data)
        except OSError:
            pass  # either side is gone: so is the connection
        for end in (source, target):
            with suppress(OSError):  # it was gone already
                end.shutdown(socket.SHUT_RDWR)

    def _loses(self) -> bool:
        with self._lock:
            if self._to_lose == 0:
                return False
            self._to_lose -= 1
            self.lost += 1
            return True
