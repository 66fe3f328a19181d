#!/usr/bin/env python3
"""Lines to stores that can be disturbed: a TCP proxy as a process of its own.

    bench/toxic.py --control PORT --line PORT:STORE_PORT [--line ..]

Each connection to the control port sends one line, `NUMBER TOXIC VALUE`, and gets one back. NUMBER
is that of a line, in the order of the options. The toxics:

    pass                nothing is done to what goes through
    delay SECONDS       each piece waits, in each direction
    throttle BYTES      so many bytes a second go through
    partition           connections are accepted, and nothing goes through until the line is
                        whole again: then what was kept arrives, as with TCP after an outage
    reset               connections are reset, those that there are and new ones

Every answer is how many pieces, connections and resets toxics of the line have met so far.
"""

import argparse
import asyncio
import contextlib
import socket
import struct
from dataclasses import dataclass, field

PIECE_BYTES_MAX = 65_536
THROTTLED_PIECE_BYTES_MAX = 1_024
LINGER_NOT = struct.pack("ii", 1, 0)


@dataclass
class Line:
    """What listens in front of a store, and what is done to that which goes through."""

    listen_port: int
    store_port: int
    toxic: str = "pass"
    value: float = 0
    met: int = 0
    is_whole: asyncio.Event = field(default_factory=asyncio.Event)
    writers: set = field(default_factory=set)

    def take(self, toxic, value):
        self.toxic, self.value = toxic, value
        if toxic == "partition":
            self.is_whole.clear()
        else:
            self.is_whole.set()
        if toxic == "reset":
            for writer in list(self.writers):
                self.reset(writer)

    def reset(self, writer):
        self.met += 1
        with contextlib.suppress(OSError):
            connection = writer.get_extra_info("socket")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
        writer.transport.abort()

    async def pass_toxic(self, count):
        """Waits as long as the toxic keeps a piece of so many bytes."""
        if self.toxic == "pass":
            return
        self.met += 1
        if self.toxic == "delay":
            await asyncio.sleep(self.value)
        elif self.toxic == "throttle":
            await asyncio.sleep(count / self.value)
        await self.is_whole.wait()

    async def accept(self, reader, writer):
        self.writers.add(writer)
        try:
            await self.pass_toxic(0)
            if self.toxic == "reset":
                self.reset(writer)
                return
            store = await asyncio.open_connection("127.0.0.1", self.store_port)
            self.writers.add(store[1])
            try:
                await asyncio.gather(self.pump(reader, store[1]), self.pump(store[0], writer))
            finally:
                self.close(store[1])
        except OSError:
            pass
        finally:
            self.close(writer)

    def close(self, writer):
        self.writers.discard(writer)
        writer.close()

    async def pump(self, reader, writer):
        """One direction. The end of one is told to the other side, which may have more to say."""
        while True:
            is_slow = self.toxic == "throttle"
            piece = await reader.read(THROTTLED_PIECE_BYTES_MAX if is_slow else PIECE_BYTES_MAX)
            await self.pass_toxic(len(piece))
            if not piece:
                break
            writer.write(piece)
            await writer.drain()
        # A process that is gone ends both directions.
        writer.close()


async def serve(lines, control_port):
    async def control(reader, writer):
        # Whoever looks whether we listen says nothing.
        words = (await reader.readline()).decode().split()
        if words:
            line = lines[int(words[0])]
            line.take(words[1], float(words[2]))
            writer.write(f"{line.met}\n".encode())
            await writer.drain()
        writer.close()

    for line in lines:
        line.is_whole.set()
        await asyncio.start_server(line.accept, "127.0.0.1", line.listen_port, backlog=512)
    server = await asyncio.start_server(control, "127.0.0.1", control_port)
    await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--control", type=int, required=True, metavar="PORT")
    parser.add_argument("--line", action="append", default=[], metavar="PORT:STORE_PORT")
    options = parser.parse_args()
    lines = [Line(*map(int, line.split(":"))) for line in options.line]
    asyncio.run(serve(lines, options.control))


if __name__ == "__main__":
    main()
