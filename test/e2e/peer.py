"""A client of Python's websockets that obeys commands: a line of JSON in, a line of JSON out."""

import asyncio
import base64
import json
import sys

import websockets


def status_of(error):
    """The HTTP status of a refused handshake, by the names of old and new versions."""
    response = getattr(error, "response", None)
    return response.status_code if response is not None else error.status_code


def encode(message):
    if isinstance(message, str):
        return {"text": message}
    return {"binary": base64.b64encode(message).decode()}


def decode(message):
    return message["text"] if "text" in message else base64.b64decode(message["binary"])


def extensions_of(websocket):
    # The new implementation keeps them in its protocol.
    return getattr(websocket, "extensions", None) or getattr(getattr(websocket, "protocol", None), "extensions", [])


class Peer:
    websocket = None

    async def open(self, url, protocols, heartbeat):
        try:
            self.websocket = await websockets.connect(
                url, subprotocols=protocols or None, max_size=None, ping_interval=heartbeat
            )
        except websockets.exceptions.InvalidHandshake as error:
            return {"status": status_of(error)}
        return {
            "protocol": self.websocket.subprotocol or "",
            "extensions": ", ".join(extension.name for extension in extensions_of(self.websocket)),
        }

    async def send(self, message):
        try:
            await self.websocket.send(decode(message))
        except websockets.exceptions.ConnectionClosed:
            pass  # The server need not have read it to the end: `closed` tells.
        return {}

    async def fragments(self, messages):
        await self.websocket.send([decode(message) for message in messages])
        return {}

    async def receive(self):
        return encode(await self.websocket.recv())

    async def ping(self):
        await (await self.websocket.ping())
        return {}

    async def close(self, code, reason):
        await self.websocket.close(code, reason)
        return await self.closed()

    async def closed(self):
        await self.websocket.wait_closed()
        return {"code": self.websocket.close_code, "reason": self.websocket.close_reason}


async def main():
    peer = Peer()
    loop = asyncio.get_running_loop()
    # Commands are read in a thread, so that pings are answered meanwhile.
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        name, *arguments = json.loads(line)
        print(json.dumps(await getattr(peer, name)(*arguments)), flush=True)


asyncio.run(main())
