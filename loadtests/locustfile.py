"""The day profile for locust: workshops end, and their médiateurs scan pass after pass, one at a time.

    POINCON_READY_FILE=ready.json locust -f loadtests/locustfile.py --host URL --users 50 --headless -t 1m

The file is what `poincon demo --ready-file` writes, or any that names `devices` (each with its `token`) and
`codes` (JSON lines, each with its `qr`). Every code is used once and every verdict is verified; the run ends
when the codes do. For the most that a server takes, use `poincon bench scans`.
"""

import json
import os
import secrets
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from locust import FastHttpUser, between, events, task
from locust.env import Environment
from locust.exception import StopUser

from loadtests.bench_passes import new_attempt

READY_VARIABLE = "POINCON_READY_FILE"
CODES_MAX = 1_000_000
SECONDS_BETWEEN_SCANS = (1.0, 4.0)  # a person takes the next pass, and holds it under the camera


class Workshops:
    """What all users share: devices to scan with, and codes that nobody has scanned."""

    def __init__(self, ready_file: Path) -> None:
        ready: dict[str, Any] = json.loads(ready_file.read_text(encoding="utf-8"))
        self.tokens: list[str] = [device["token"] for device in ready["devices"]]
        self._codes = self._read_codes(Path(ready["codes"]))

    def next_code(self) -> str | None:
        return next(self._codes, None)

    @staticmethod
    def _read_codes(path: Path) -> Iterator[str]:
        with path.open(encoding="utf-8") as lines:
            for line in islice(lines, CODES_MAX):
                yield json.loads(line)["qr"]


def open_workshops(environment: Environment, **_: Any) -> None:
    Mediator.workshops = Workshops(Path(os.environ[READY_VARIABLE]))


events.test_start.add_listener(open_workshops)  # type: ignore[no-untyped-call]


class Mediator(FastHttpUser):
    workshops: Workshops
    wait_time = between(*SECONDS_BETWEEN_SCANS)

    def on_start(self) -> None:
        self._headers = {"Authorization": f"Bearer {secrets.choice(self.workshops.tokens)}"}

    @task
    def scan(self) -> None:
        code = self.workshops.next_code()
        if code is None:
            self.environment.runner.quit()
            raise StopUser
        body = {"attempt_id": str(new_attempt()), "code": code}
        with self.client.post("/v1/scans", json=body, headers=self._headers, catch_response=True) as response:
            answer = response.json() if response.status_code == 200 else {}
            if answer.get("verdict") != "accepted" or answer.get("attempt_id") != body["attempt_id"]:
                response.failure(f"a first use was answered {response.status_code} {answer or response.text}")
            elif not answer["receipt"].startswith("PR1:"):
                response.failure("accepted without a receipt")
