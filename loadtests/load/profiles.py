"""What phones do, by profile: one class each, that locust runs by its name."""

import random
import secrets
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec
from locust import between, constant, task

from loadtests.load.expected import (
    fault_if_not_acceptable,
    fault_if_not_accepted,
    fault_if_not_read,
    fault_if_not_taken_before,
)
from loadtests.load.phone import Fault, Phone, a_scan
from loadtests.load.photo import a_photo

SCANS_PER_BATCH_MAX = 500
STORM_CODES = 4  # at once, while dozens of phones try them
# Hours, in truth; but the booklets of a load test were activated a moment ago.
SCANNED_AGO = timedelta(milliseconds=300)
SLOW_PIECES = 10
SLOW_PIECE_SECONDS = 0.2
ANSWER_BYTES_MAX = 64 * 1024


class Day(Phone):
    """Workshops end: mostly single scans, a few together, by persons who take the next pass in hand."""

    wait_time = between(0.2, 1.0)

    @task(9)
    def scan(self) -> None:
        self.take(*self.codes(1))

    @task(1)
    def small_batch(self) -> None:
        count = random.randint(2, 12)
        self.take_together([a_scan(code) for code in self.codes(count)], "batch of 2 to 12")


class Ceiling(Day):
    """As fast as the server answers: how many phones of `Day` it could bear."""

    wait_time = constant(0)


class Storm(Phone):
    """The same codes from many devices at once: one wins, all others are told of it."""

    wait_time = constant(0)
    contested: ClassVar[list[str]] = []

    @task
    def scan(self) -> None:
        if len(self.contested) < STORM_CODES:
            self.contested.extend(self.codes(1))
        code = secrets.choice(self.contested)
        if secrets.randbelow(50) == 0 and code in self.contested:
            self.contested.remove(code)
        body = a_scan(code)

        def fault(answer: Any) -> Fault:
            self.workshops.scans_judged += 1
            if isinstance(answer, dict) and answer.get("verdict") == "accepted":
                return fault_if_not_accepted(
                    answer, body["attempt_id"], self.some_keyring()
                ) or self.workshops.saw_accepted(code, body["attempt_id"])
            return fault_if_not_taken_before(answer, body["attempt_id"])

        self.post("/v1/scans", "scan of a contested pass", body, fault)


class Evening(Phone):
    """Phones that were offline send what they kept, up to 500 scans; every other one sends it twice."""

    wait_time = between(0.5, 2.0)

    @task
    def sync(self) -> None:
        codes = self.codes(random.choice([50, 120, SCANS_PER_BATCH_MAX]))
        scanned_at = (datetime.now(UTC) - SCANNED_AGO).isoformat()
        scans = [a_scan(code, scanned_at=scanned_at) for code in codes]
        first = self.take_together(scans, "sync of 50 to 500")
        if first and secrets.randbelow(2):
            again = self.take_together(scans, "the same sync again")
            if again and [one.get("receipt") for one in again] != [one.get("receipt") for one in first]:
                self.workshops.note_wrong("a sync that was sent again got other receipts")


class Duplicates(Phone):
    """Passes that were taken before, tried again by another attempt."""

    wait_time = constant(0)

    def on_start(self) -> None:
        super().on_start()
        self.taken = [code for code in self.codes(10) if self.take(code, "scan (once a pass)")]

    @task
    def scan_again(self) -> None:
        if not self.taken:
            return
        body = a_scan(secrets.choice(self.taken))
        self.workshops.scans_judged += 1
        self.post(
            "/v1/scans",
            "duplicate",
            body,
            lambda answer: fault_if_not_taken_before(answer, body["attempt_id"]),
        )


class Photos(Phone):
    """Photos of a pass, sent to be read by the server."""

    wait_time = between(0.5, 1.5)

    def on_start(self) -> None:
        super().on_start()
        [self.code] = self.codes(1)
        self.photo = a_photo(self.code)

    @task
    def send_photo(self) -> None:
        self.post("/v1/photos", "photo", self.photo, lambda answer: fault_if_not_read(answer, self.code))


class Checks(Phone):
    """Only tests passes, again and again: nothing may be taken."""

    wait_time = constant(0)

    def on_start(self) -> None:
        super().on_start()
        self.held = self.codes(10)

    @task
    def check(self) -> None:
        self.post("/v1/checks", "check", {"code": secrets.choice(self.held)}, fault_if_not_acceptable)


class SlowClients(Phone):
    """Phones on a bad line: a request in ten pieces over two seconds. `Day` beside them must not feel it."""

    wait_time = between(0.1, 0.5)
    weight = 3

    @task
    def scan_slowly(self) -> None:
        [code] = self.codes(1)
        body = a_scan(code)
        started = time.perf_counter()
        error: Exception | None = None
        answer = b""
        try:
            answer = self._send_slowly(msgspec.json.encode(body))
            told = msgspec.json.decode(answer.partition(b"\r\n\r\n")[2])
            if fault := fault_if_not_accepted(told, body["attempt_id"], self.keyring):
                self.workshops.note_wrong(f"slow scan: {fault}")
                error = AssertionError(fault)
            self.workshops.scans_judged += 1
        except (OSError, msgspec.DecodeError) as failed:
            error = failed
        self.environment.events.request.fire(
            request_type="POST",
            name="scan in slow pieces",
            response_time=(time.perf_counter() - started) * 1_000,
            response_length=len(answer),
            exception=error,
            context={},
        )

    def _send_slowly(self, body: bytes) -> bytes:
        address = urlsplit(self.host or "")
        assert address.scheme == "http", "slow phones speak plain HTTP: give the validator's own address"
        head = (
            f"POST /v1/scans HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {self.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        wire = head.encode() + body
        step = -(-len(wire) // SLOW_PIECES)
        with socket.create_connection((address.hostname, address.port or 80), timeout=30) as line:
            for at in range(0, len(wire), step):
                line.sendall(wire[at : at + step])
                time.sleep(SLOW_PIECE_SECONDS)
            answer = b""
            while piece := line.recv(ANSWER_BYTES_MAX):
                answer += piece
        return answer
