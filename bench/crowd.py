"""Very many connections of one process, by epoll: asyncio would cost several times as much."""

import resource
import selectors
import socket
import time
from dataclasses import dataclass, field

# Ports that outgoing connections get are 28,000 for each address, if nobody changed that.
PER_ADDRESS = 20_000
ADDRESSES_MAX = 250
# Connections that are being opened at one time: fewer than wait to be accepted.
OPENING_MAX = 256
PIECE_BYTES = 65_536
# Linux: the port is chosen when the other end is known (ip(7)). Python has no name for it yet.
IP_BIND_ADDRESS_NO_PORT = 24
SPARE_FILES = 200
POLL_SECONDS = 0.05


@dataclass
class Member:
    """One connection, and what came on it."""

    socket: socket.socket
    began: float
    received: bytearray = field(default_factory=bytearray)
    is_closed: bool = False
    fault: str | None = None


class Crowd:
    """Connections to a port that each make one request as soon as they are open."""

    def __init__(self, port, request):
        self.port, self.request = port, request
        self.selector = selectors.EpollSelector()
        self.members, self.opening = [], 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for member in self.members:
            member.socket.close()
        self.selector.close()

    def open(self, count, seconds_max):
        """Opens so many, and waits until something came on each, or the time is up."""
        deadline, answered = time.monotonic() + seconds_max, 0
        while answered < count and time.monotonic() < deadline:
            while len(self.members) < count and self.opening < OPENING_MAX:
                self.begin()
            answered += self.hear(POLL_SECONDS)
        return answered

    def begin(self):
        connection = socket.socket()
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        connection.bind((address_of(len(self.members)), 0))
        connection.connect_ex(("127.0.0.1", self.port))
        member = Member(connection, time.monotonic())
        self.members.append(member)
        self.opening += 1
        self.selector.register(connection, selectors.EVENT_WRITE, member)

    def hear(self, seconds):
        """Goes on with whoever can; how many have got their first bytes by it."""
        answered = 0
        for key, events in self.selector.select(seconds):
            if events & selectors.EVENT_WRITE:
                self.ask(key.data)
            else:
                answered += self.take(key.data)
        return answered

    def ask(self, member):
        try:
            member.socket.send(self.request)
        except OSError as error:
            self.leave(member, repr(error))
            self.opening -= 1
        else:
            self.selector.modify(member.socket, selectors.EVENT_READ, member)

    def take(self, member):
        is_first = not member.received
        try:
            piece = member.socket.recv(PIECE_BYTES)
        except OSError as error:
            self.leave(member, repr(error))
            piece = b""
        else:
            member.received += piece
            if not piece:
                self.leave(member)
        if is_first:
            self.opening -= 1
        return is_first and bool(piece)

    def leave(self, member, fault=None):
        member.is_closed, member.fault = True, fault
        self.selector.unregister(member.socket)
        member.socket.close()

    def hear_until(self, is_over, seconds_max):
        """Takes what comes until that is so, or the time is up."""
        deadline = time.monotonic() + seconds_max
        while not is_over() and time.monotonic() < deadline:
            self.hear(POLL_SECONDS)

    @property
    def open_count(self):
        return sum(not member.is_closed for member in self.members)

    def faults(self):
        return [member.fault for member in self.members if member.fault]


def address_of(number):
    """A source address: this machine has all of 127.0.0.0/8."""
    block = number // PER_ADDRESS
    if block >= ADDRESSES_MAX:
        raise SystemExit(f"{number:,} connections are more than there are ports for")
    return f"127.0.0.{block + 2}"


def allow_files(needed):
    """Lets this process, and those that it starts, open so many files and some more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed += SPARE_FILES
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise SystemExit(
            f"{needed:,} open files are needed, and a process may have {hard:,} here: raise the"
            " hard limit (LimitNOFILE= of a service, --ulimit nofile= of a container, limits.conf)"
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
