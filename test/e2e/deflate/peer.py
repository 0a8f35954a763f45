"""Python's websockets, with permessage-deflate in many settings: client URL... | server

client: connects to each URL in turn, in every setting, and prints a line of JSON for each connection.
server: listens on a port for each setting, prints them as a line of JSON, and echoes until it is ended.
"""

import asyncio
import json
import random
import sys

import websockets
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)

SETTINGS = [(takeover, bits) for takeover in (True, False) for bits in range(9, 16)]
SIZES = [0, 1, 125, 126, 64 * 1024, 1024 * 1024]


def messages():
    dice = random.Random(7)
    for size in SIZES:
        yield ("all the same, " * (size // 14 + 1))[:size]
        yield "".join(dice.choices("abcdefgh äößé 日本語 😀🎉", k=size))
        yield dice.randbytes(size)
        yield bytes(size)


def named(takeover, bits):
    return {
        "server_no_context_takeover": not takeover,
        "client_no_context_takeover": not takeover,
        "server_max_window_bits": bits,
        "client_max_window_bits": bits,
    }


async def exchange(url, extensions, data, at_once):
    """Sends all messages, and compares what comes back."""
    async with websockets.connect(url, compression=None, extensions=extensions, max_size=None) as socket:
        wrong = []
        for start in range(0, len(data), at_once):
            part = data[start : start + at_once]
            receiver = asyncio.ensure_future(receive(socket, len(part)))
            for message in part:
                await socket.send(message)
            for want, got in zip(part, await receiver):
                if want != got:
                    wrong.append(f"{type(want).__name__} of {len(want)}")
        agreed = [extension.name for extension in socket.extensions]
        size = sum(len(message.encode() if isinstance(message, str) else message) for message in data)
        return {"agreed": agreed, "outcome": {"count": len(data), "bytes": size, "wrong": wrong}}


async def receive(socket, count):
    return [await socket.recv() for _ in range(count)]


async def client(urls):
    everything = list(messages())
    again = ["".join(random.Random(8).choices([chr(code) for code in range(32, 127)], k=200))] * 50
    for (takeover, bits), url in zip(SETTINGS, urls):
        extensions = [ClientPerMessageDeflateFactory(**named(takeover, bits))]
        all_at_once = await exchange(url, extensions, everything + everything[::-1], 2 * len(everything))
        one_by_one = await exchange(url, extensions, again, 1)
        print(json.dumps({"takeover": takeover, "bits": bits, "all": all_at_once, "same": one_by_one}), flush=True)


async def echo(socket, _path=None):
    async for message in socket:
        await socket.send(message)


async def server():
    ports = []
    for takeover, bits in SETTINGS:
        factory = ServerPerMessageDeflateFactory(**named(takeover, bits))
        listening = await websockets.serve(
            echo, "127.0.0.1", 0, compression=None, extensions=[factory], max_size=None
        )
        ports.append({"takeover": takeover, "bits": bits, "port": listening.sockets[0].getsockname()[1]})
    print(json.dumps(ports), flush=True)
    await asyncio.Future()


asyncio.run(server() if sys.argv[1] == "server" else client(sys.argv[2:]))
