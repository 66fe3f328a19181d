"""A wire between gateway and provider that remembers every byte that the gateway sent."""

import socket
import threading
from dataclasses import dataclass, field

PIECE_BYTES = 65_536
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class Forwarded:
    """A request as it went to the provider, read as strictly as the standard allows."""

    method: str
    target: str
    headers: tuple
    body: bytes

    def values(self, name):
        return [value for known, value in self.headers if known == name]


@dataclass
class Wire:
    """One connection of the gateway's."""

    sent: bytearray = field(default_factory=bytearray)


class Tap:
    """Listens in place of the provider, and passes on what it hears both ways."""

    def __init__(self, provider_port):
        self.provider = ("127.0.0.1", provider_port)
        self.wires, self.lock = [], threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                gateway, _address = self.listener.accept()
            except OSError:
                return
            provider, wire = socket.create_connection(self.provider), Wire()
            with self.lock:
                self.wires.append(wire)
            for ends in ((gateway, provider, wire), (provider, gateway, None)):
                threading.Thread(target=self.pass_on, args=ends, daemon=True).start()

    def pass_on(self, source, sink, wire):
        try:
            while piece := source.recv(PIECE_BYTES):
                if wire:
                    with self.lock:
                        wire.sent += piece
                sink.sendall(piece)
        except OSError:
            # Whoever left, the other end has to know.
            pass
        for end in (source, sink):
            # Also those who wait for it wake up.
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()

    def forget(self):
        with self.lock:
            for wire in self.wires:
                wire.sent.clear()

    def sent(self):
        """What each connection carried since it was forgotten."""
        with self.lock:
            return [bytes(wire.sent) for wire in self.wires if wire.sent]

    def requests(self):
        return [request for sent in self.sent() for request in read_requests(sent)]

    def close(self):
        self.listener.close()


def read_requests(sent):
    """The requests of a connection; an assertion fails where there is something else on it."""
    requests = []
    while sent:
        head, end, rest = sent.partition(END_OF_HEAD)
        assert end, f"the provider waits for the rest of a head: {sent[:500]!r}"
        line, *fields = head.split(b"\r\n")
        assert b"\n" not in line and line.count(b" ") == 2, line
        method, target, version = line.decode().split(" ")
        assert version == "HTTP/1.1", line
        headers = tuple(read_field(text) for text in fields)
        length, sent = length_of(headers), rest
        assert len(sent) >= length, f"the provider waits for the rest of a body: {head!r}"
        requests.append(Forwarded(method, target, headers, sent[:length]))
        sent = sent[length:]
    return requests


def read_field(text):
    name, colon, value = text.partition(b":")
    assert colon and name and name == name.strip(), text
    assert all(32 <= byte != 127 or byte == 9 for byte in text), text
    return name.decode().lower(), value.strip().decode("latin-1")


def length_of(headers):
    """There is one way to tell it, and it is used once."""
    names = [name for name, _value in headers]
    assert "transfer-encoding" not in names, headers
    told = [value for name, value in headers if name == "content-length"]
    assert len(told) <= 1, headers
    assert all(value.isascii() and value.isdigit() for value in told), headers
    return int(told[0]) if told else 0
