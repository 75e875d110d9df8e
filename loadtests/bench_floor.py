"""What our figures stand beside: aiohttp handlers that parse and answer the same JSON, and store nothing.

/bare checks badge and JSON; /floor also verifies and signs once with Ed25519, by OpenSSL (`cryptography`);
/floor_sodium does by libsodium, which the service uses. A process of its own.
"""

import json
import os
import sys
from datetime import UTC, datetime

import uvloop
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign, crypto_sign_open

from ledger.devices import token_sha256
from validator.bodies import AcceptedBody, PassBody, ScanBody
from validator.endpoint import answer, read_body
from validator.problems import Problem
from validator.serve import BACKLOG, open_socket

HOST = "127.0.0.1"
TOKEN_VARIABLE = "POINCON_BENCH_TOKEN"  # noqa: S105 - the name of a variable
# As many bytes as our own envelopes sign, and characters as our receipts have.
SIGNED_BYTES = 60
RECEIPT = "PR1:" + "0" * 210


def build_floor(token: str) -> web.Application:
    app = web.Application()
    badges = {token_sha256(token)}
    key = Ed25519PrivateKey.generate()
    public_key = key.public_key()
    raw_public_key = public_key.public_bytes_raw()
    secret = key.private_bytes_raw() + raw_public_key
    message = bytes(SIGNED_BYTES)
    signature = key.sign(message)

    async def bare(request: web.Request) -> web.Response:
        return await accepted(request)

    async def floor(request: web.Request) -> web.Response:
        public_key.verify(signature, message)
        key.sign(message)
        return await accepted(request)

    async def floor_sodium(request: web.Request) -> web.Response:
        crypto_sign_open(signature + message, raw_public_key)
        crypto_sign(message, secret)
        return await accepted(request)

    async def accepted(request: web.Request) -> web.Response:
        _, _, given = request.headers.get("Authorization", "").partition(" ")
        if token_sha256(given) not in badges:
            raise Problem(401, "unauthorised", "another token")
        body = await read_body(request, ScanBody)
        now = datetime.now(UTC)
        return answer(AcceptedBody(body.attempt_id, PassBody(1, 1, 1_000, now.date()), now, RECEIPT))

    app.router.add_post("/bare", bare)
    app.router.add_post("/floor", floor)
    app.router.add_post("/floor_sodium", floor_sodium)
    return app


def main() -> None:
    """Serve until SIGTERM; the log tells the port as a validator's does."""
    with open_socket(HOST, 0, share_port=False) as listener:
        line = {"event": "listening", "port": listener.getsockname()[1]}
        sys.stderr.write(json.dumps(line) + "\n")
        app = build_floor(os.environ[TOKEN_VARIABLE])
        web.run_app(
            app,
            sock=listener,
            backlog=BACKLOG,
            print=None,
            access_log=None,
            loop=uvloop.new_event_loop(),
        )


if __name__ == "__main__":
    main()
