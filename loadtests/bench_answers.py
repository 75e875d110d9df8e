"""Whether a server answered rightly: each answer against what was sent. No clock runs meanwhile."""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias
from uuid import UUID

import msgspec

from keys.passes import PassId
from keys.receipt import PREFIX as RECEIPT_PREFIX
from loadtests.bench_client import Answer
from loadtests.bench_failure import BenchFailed
from validator.bodies import (
    AcceptedBody,
    EarlierBody,
    NotJudgedBody,
    RefusedBody,
    ReusedBody,
    VerdictsBody,
)
from validator.verdict import Refusal

VerdictBody: TypeAlias = AcceptedBody | RefusedBody | ReusedBody | NotJudgedBody

_verdict = msgspec.json.Decoder(AcceptedBody | RefusedBody)
_verdicts = msgspec.json.Decoder(VerdictsBody)


class WrongAnswer(BenchFailed):
    """An answer that a right server would not have given: then no figure is worth anything."""


class Scan(NamedTuple):
    attempt_id: UUID
    pass_id: PassId


def read_verdict(answer: Answer) -> VerdictBody:
    _must_be_ok(answer)
    verdict: AcceptedBody | RefusedBody = _verdict.decode(answer.body)
    return verdict


def read_verdicts(answer: Answer) -> list[VerdictBody]:
    _must_be_ok(answer)
    return _verdicts.decode(answer.body).verdicts


def must_be_accepted(verdict: VerdictBody, scan: Scan) -> None:
    if not (
        isinstance(verdict, AcceptedBody)
        and verdict.attempt_id == scan.attempt_id
        and (verdict.pass_.booklet, verdict.pass_.number) == scan.pass_id
        and verdict.receipt.startswith(RECEIPT_PREFIX)
    ):
        raise WrongAnswer(f"a first use of {scan} was answered {verdict}")


def must_be_taken_before(verdict: VerdictBody, scan: Scan) -> None:
    if not (
        isinstance(verdict, RefusedBody)
        and verdict.refusal == Refusal.ALREADY_ACCEPTED
        and verdict.attempt_id == scan.attempt_id
        and isinstance(verdict.earlier, EarlierBody)
    ):
        raise WrongAnswer(f"a second use of {scan} was answered {verdict}")


def must_all_be_ok(answers: Iterable[Answer]) -> None:
    for answer in answers:
        _must_be_ok(answer)


def _must_be_ok(answer: Answer) -> None:
    if answer.status != 200:
        raise WrongAnswer(f"status {answer.status}: {answer.body[:500]!r}")
