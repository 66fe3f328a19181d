"""HTTP/2 by hand, with prior knowledge: frames that no HTTP library would send."""

import socket
import struct
import time
from dataclasses import dataclass, field

import hpack
from http1 import ANSWER_SECONDS_MAX, BODY, PATH, Caller

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
WINDOW_UPDATE, CONTINUATION = 8, 9
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
FRAME_HEAD_BYTES = 9
# What fits into a frame as long as nothing else was agreed on.
FRAME_BYTES_MAX = 16_384


def frame(kind, flags, stream, payload=b""):
    head = struct.pack(">I", len(payload))[1:] + bytes((kind, flags))
    return head + struct.pack(">I", stream) + payload


def settings(**values):
    numbers = {"header_table_size": 1, "initial_window_size": INITIAL_WINDOW_SIZE}
    pairs = (struct.pack(">HI", numbers[name], value) for name, value in values.items())
    return frame(SETTINGS, 0, 0, b"".join(pairs))


def reset(stream):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", 8))


def more_window(stream, size):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", size))


def block(fields):
    """Header fields as they go over the wire: whatever is in them, and none is remembered."""
    never_indexed = [(name, value, True) for name, value in fields]
    return hpack.Encoder().encode(never_indexed, huffman=False)


def fields(key, *more, method="POST", path=PATH, without=()):
    pseudo = [(":method", method), (":scheme", "http"), (":authority", "gateway"), (":path", path)]
    kept = [pair for pair in pseudo if pair[0] not in without]
    return [*kept, ("authorization", f"Bearer {key}"), *more]


def ask(stream, key, *more, body=BODY, **options):
    """A whole request on a stream."""
    head = frame(HEADERS, END_HEADERS, stream, block(fields(key, *more, **options)))
    return head + frame(DATA, END_STREAM, stream, body)


@dataclass
class Stream:
    """What came on a stream: nothing, an answer, or that it is reset."""

    status: int | None = None
    body: bytes = b""
    is_ended: bool = False
    is_reset: bool = False

    @property
    def is_over(self):
        return self.is_ended or self.is_reset


@dataclass
class Http2(Caller):
    """A caller's connection to a port of this machine."""

    port: int
    settings: bytes = field(default_factory=settings)
    streams: dict = field(default_factory=dict)
    is_closed: bool = False
    goaway: int | None = None
    is_agreed: bool = False
    read: bytes = b""

    def __post_init__(self):
        address = ("127.0.0.1", self.port)
        self.socket = socket.create_connection(address, timeout=ANSWER_SECONDS_MAX)
        self.decoder = hpack.Decoder()
        # Settings are agreed on first: no frame of ours comes between those of a test.
        self.write(PREFACE + self.settings)
        self.until(lambda: self.is_agreed)

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def outcome(self, number, seconds=ANSWER_SECONDS_MAX):
        """What came on a stream until it was over, the connection closed or the time up."""
        self.until(lambda: self.stream(number).is_over, seconds)
        return self.stream(number)

    def until(self, is_so, seconds=ANSWER_SECONDS_MAX):
        deadline = time.monotonic() + seconds
        while not is_so() and not self.is_closed and (left := deadline - time.monotonic()) > 0:
            self.hear(left)
        return is_so()

    def closes(self, seconds=ANSWER_SECONDS_MAX):
        return self.until(lambda: self.is_closed, seconds)

    def hear(self, seconds):
        self.socket.settimeout(seconds)
        try:
            piece = self.socket.recv(65_536)
        except TimeoutError:
            return
        except OSError:
            piece = b""
        self.is_closed = not piece
        self.read += piece
        while len(self.read) >= FRAME_HEAD_BYTES:
            length = int.from_bytes(self.read[:3])
            end = FRAME_HEAD_BYTES + length
            if len(self.read) < end:
                return
            kind, flags = self.read[3], self.read[4]
            number = int.from_bytes(self.read[5:9]) & 0x7FFF_FFFF
            payload, self.read = self.read[FRAME_HEAD_BYTES:end], self.read[end:]
            self.take(kind, flags, number, payload)

    def take(self, kind, flags, number, payload):
        if kind == SETTINGS and not flags & ACK:
            self.write(frame(SETTINGS, ACK, 0))
            self.is_agreed = True
        elif kind == GOAWAY:
            self.goaway = int.from_bytes(payload[4:8])
        elif kind == RST_STREAM:
            self.stream(number).is_reset = True
        elif kind == HEADERS:
            told = dict(self.decoder.decode(payload))
            status = int(told.get(":status", 0))
            if status >= 200:
                self.stream(number).status = status
            self.stream(number).is_ended |= bool(flags & END_STREAM)
        elif kind == DATA:
            self.stream(number).body += payload
            self.stream(number).is_ended |= bool(flags & END_STREAM)
