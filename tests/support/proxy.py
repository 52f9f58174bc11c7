"""A proxy between a client and PostgreSQL that reads enough of the protocol to cut a connection at a COMMIT."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlencode, urlsplit, urlunsplit

_COMMIT = b"COMMIT\0"


class Proxy:
    """Passes everything on, and cuts the connection on which a certain COMMIT goes by.

    Attributes:
        cut_at: number of the COMMIT at which it is cut; 0 for never.
        arrives: True where the server gets that COMMIT, and only its answer is lost.
        commits: how many went by.
    """

    def __init__(self, url: str) -> None:
        import psycopg

        with psycopg.connect(url) as probe:
            self._host, self._port = probe.info.host, probe.info.port
        self.cut_at = 0
        self.arrives = True
        self.commits = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        parts = urlsplit(url)
        user = f"{parts.username or 'postgres'}{f':{parts.password}' if parts.password else ''}"
        place = f"{user}@127.0.0.1:{self._listening.getsockname()[1]}"
        plain = urlencode({"sslmode": "disable", "gssencmode": "disable"})  # else there is nothing to read
        self.url = urlunsplit(parts._replace(netloc=place, query=plain))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = self._server()
                client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(target=self._forward, args=(client, server), daemon=True).start()
                threading.Thread(target=self._back, args=(server, client), daemon=True).start()

    def _server(self) -> socket.socket:
        if self._host.startswith("/"):
            found = socket.socket(socket.AF_UNIX)
            found.connect(f"{self._host}/.s.PGSQL.{self._port}")
            return found
        found = socket.create_connection((self._host, self._port))
        found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return found

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with suppress(OSError, EOFError, struct.error):
            head = _read(client, 4)  # the first message has no type
            server.sendall(head + _read(client, struct.unpack("!i", head)[0] - 4))
            while True:
                kind, size = _read(client, 1), _read(client, 4)
                body = _read(client, struct.unpack("!i", size)[0] - 4)
                cut = kind == b"Q" and body == _COMMIT and self._is_it()
                if not cut or self.arrives:
                    server.sendall(kind + size + body)
                if cut:
                    break
        _end(client, server)

    def _is_it(self) -> bool:
        self.commits += 1
        return self.commits == self.cut_at

    @staticmethod
    def _back(server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        _end(client, server)


def _read(source: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        data = source.recv(size - len(found))
        if not data:
            raise EOFError
        found += data
    return found


def _end(*sockets: socket.socket) -> None:
    for one in sockets:
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)
        one.close()


@contextmanager
def proxy(url: str) -> Iterator[Proxy]:
    """Stand between clients and the server of `url`."""
    found = Proxy(url)
    try:
        yield found
    finally:
        found.close()
