"""A pooler between clients and server: each transaction, or each session, gets one of its connections."""

from __future__ import annotations

import os
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from tests.support.proxy import _read

_TOLD = ("server_version", "server_encoding", "client_encoding", "standard_conforming_strings", "integer_datetimes")


class Pooler:
    """Speaks the protocol as far as the engine does: no COPY, no TLS.

    Attributes:
        url: by which clients come; `version` is what they are told of the server, "" for the truth.
        sessions: connections to the server that were opened.
    """

    def __init__(self, url: str, *, by_session: bool, version: str = "") -> None:
        parts = urlsplit(url)
        self._plain = urlencode({"sslmode": "disable", "gssencmode": "disable"})
        self._server = url + ("&" if parts.query else "?") + self._plain
        self._by_session = by_session
        self._version = version
        self._free: list[Any] = []
        self.sessions = 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        place = f"{parts.username or 'postgres'}@127.0.0.1:{self._listening.getsockname()[1]}"
        self.url = urlunsplit(parts._replace(netloc=place, query=self._plain))
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections, and end those to the server."""
        self._listening.close()
        for one in self._free:
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _take(self) -> Any:
        import psycopg

        if self._free:
            return self._free.pop()  # the one that was used last, as poolers do
        self.sessions += 1
        return psycopg.connect(self._server, autocommit=True)

    def _serve(self, client: socket.socket) -> None:
        held: Any = None
        with suppress(OSError, EOFError, struct.error), client:
            size, code = struct.unpack("!ii", _read(client, 8))
            _read(client, size - 8)
            if code != 3 << 16:
                return  # a wish to cancel: not passed on
            held = self._take()
            client.sendall(_welcome(held, client.fileno(), self._version))
            held = self._rest(held)
            while True:
                kind, length = _read(client, 1), _read(client, 4)
                body = _read(client, struct.unpack("!i", length)[0] - 4)
                if kind == b"X":
                    break
                held = held or self._take()
                with socket.socket(fileno=os.dup(held.fileno())) as server:
                    server.setblocking(True)
                    server.sendall(kind + length + body)
                    if kind in b"QS" and _answer(server, client) == b"I":
                        held = self._rest(held)
        if held is not None:
            with suppress(Exception):  # what a session was set to ends with it
                held.execute("DISCARD ALL")
                self._free.append(held)

    def _rest(self, held: Any) -> Any:
        if self._by_session:
            return held
        self._free.append(held)
        return None


def _answer(server: socket.socket, client: socket.socket) -> bytes:
    """Pass on all that the server says until it is ready, and return the state of its transaction."""
    while True:
        kind, length = _read(server, 1), _read(server, 4)
        body = _read(server, struct.unpack("!i", length)[0] - 4)
        client.sendall(kind + length + body)
        if kind == b"Z":
            return body


def _welcome(held: Any, number: int, version: str) -> bytes:
    """Return what greets a client: a process and a key that are the pooler's own, and a version if it says another."""

    def message(kind: bytes, body: bytes) -> bytes:
        return kind + struct.pack("!i", len(body) + 4) + body

    told = {name: held.info.parameter_status(name) or "" for name in _TOLD}
    told["server_version"] = version or told["server_version"]
    status = b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in told.items())
    key = message(b"K", struct.pack("!ii", 1_000_000 + number, 7))
    return message(b"R", struct.pack("!i", 0)) + status + key + message(b"Z", b"I")


@contextmanager
def pooler(url: str, *, by_session: bool, version: str = "") -> Iterator[Pooler]:
    """Stand between clients and the server of `url`."""
    found = Pooler(url, by_session=by_session, version=version)
    try:
        yield found
    finally:
        found.close()
