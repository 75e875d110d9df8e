"""A phone under locust: sends what a profile asks for, verifies each answer, and counts it as locust does."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from locust import FastHttpUser
from locust.exception import StopUser

from keys.keyring import Keyring, keyring_from_jwks
from loadtests.bench_passes import new_attempt
from loadtests.load.expected import fault_if_not_accepted
from loadtests.load.workshops import Workshops

RECEIPTS_VERIFIED = 10  # one in so many: a signature costs locust as much as all the rest of an answer

Fault = str | None


class Phone(FastHttpUser):
    abstract = True
    workshops: ClassVar[Workshops]

    def on_start(self) -> None:
        self.token = secrets.choice(self.workshops.tokens)
        self.headers = {"Authorization": f"Bearer {self.token}"}
        answer = self.client.get("/v1/keyset", name="keyset (once a phone)")
        self.keyring: Keyring = keyring_from_jwks(answer.json())

    def codes(self, count: int) -> list[str]:
        codes = self.workshops.codes(count)
        if len(codes) < count:
            self.environment.runner.quit()
            raise StopUser
        return codes

    def post(self, path: str, name: str, body: Any, fault_of: Callable[[Any], Fault]) -> Any:
        """The answer, which locust counts as failed when `fault_of` finds something wrong with it."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {**self.headers, "Content-Type": kind}
        with self.client.post(
            path,
            data=content,  # type: ignore[arg-type] # it takes bytes
            headers=headers,
            name=name,
            catch_response=True,
        ) as response:
            if response.status_code == 0:
                response.failure("no answer")
                return None
            answer = msgspec.json.decode(response.content) if response.status_code == 200 else response.text
            if fault := fault_of(answer):
                # 429 and 503 are a server that says it is busy: a failure, and no wrong answer.
                if response.status_code not in {429, 503}:
                    self.workshops.note_wrong(f"{name}: {response.status_code}: {fault}")
                response.failure(f"{response.status_code}: {fault}"[:200])
            return answer

    def take(self, code: str, name: str = "scan") -> str | None:
        """One scan of a pass that is free. Its attempt id when it was accepted."""
        body = a_scan(code)
        attempt_id = body["attempt_id"]

        def fault(answer: Any) -> Fault:
            self.workshops.scans_judged += 1
            return fault_if_not_accepted(
                answer, attempt_id, self.some_keyring()
            ) or self.workshops.saw_accepted(code, attempt_id)

        answer = self.post("/v1/scans", name, body, fault)
        return attempt_id if isinstance(answer, dict) and answer.get("verdict") == "accepted" else None

    def take_together(self, scans: list[dict[str, Any]], name: str) -> list[Any]:
        """A batch of scans of passes that are free."""

        def fault(answer: Any) -> Fault:
            verdicts = answer.get("verdicts", []) if isinstance(answer, dict) else []
            if len(verdicts) != len(scans):
                return f"{len(verdicts)} verdicts for {len(scans)} scans: {str(answer)[:200]}"
            self.workshops.scans_judged += len(scans)
            faults = (
                fault_if_not_accepted(verdict, scan["attempt_id"], self.some_keyring())
                or self.workshops.saw_accepted(scan["code"], scan["attempt_id"])
                for verdict, scan in zip(verdicts, scans, strict=True)
            )
            return next(filter(None, faults), None)

        body = {"scans": scans, "sent_at": datetime.now(UTC).isoformat()}
        answer = self.post("/v1/scans/batch", name, body, fault)
        return answer["verdicts"] if isinstance(answer, dict) else []

    def some_keyring(self) -> Keyring | None:
        return None if secrets.randbelow(RECEIPTS_VERIFIED) else self.keyring


def a_scan(code: str, **more: Any) -> dict[str, Any]:
    return {"attempt_id": str(new_attempt()), "code": code, **more}
