"""A history put in order for its checker: who sent each attempt, what it was answered. Judges nothing."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from loadtests.drill.history import (
    AnyEvent,
    Call,
    GaveUp,
    Lost,
    Revoked,
    Scan,
    Sent,
    Struck,
    Told,
    Verdict,
)


class Exchange(NamedTuple):
    sent: Sent
    end: Told | Lost

    @property
    def answers_what_was_sent(self) -> bool:
        return (
            isinstance(self.end, Told)
            and len(self.end.verdicts) == len(self.sent.scans)
            and all(
                verdict.attempt_id == scan.attempt_id and verdict.pass_id in {None, scan.pass_id}
                for scan, verdict in zip(self.sent.scans, self.end.verdicts, strict=True)
            )
        )


class Answer(NamedTuple):
    """What one exchange told about one attempt."""

    sent: Sent
    told_at: float
    verdict: Verdict

    @property
    def is_accepted(self) -> bool:
        return self.verdict.verdict == "accepted"


class Evidence:
    def __init__(self, events: Sequence[AnyEvent]) -> None:
        sent = {event.exchange: event for event in events if isinstance(event, Sent)}
        self.exchanges = [
            Exchange(sent[event.exchange], event) for event in events if isinstance(event, Told | Lost)
        ]
        self.struck = [event for event in events if isinstance(event, Struck)]
        self.gave_up = [scan for event in events if isinstance(event, GaveUp) for scan in event.scans]
        self.revoked = [event for event in events if isinstance(event, Revoked)]
        self.first_sent_at: dict[Scan, float] = {}
        for one in sent.values():
            for scan in one.scans:
                self.first_sent_at.setdefault(scan, one.at)
        self.closings = [
            (exchange.sent, exchange.end)
            for exchange in self.exchanges
            if exchange.sent.call is Call.CLOSE and isinstance(exchange.end, Told)
        ]
        self.device_of = {scan: one.device for one in sent.values() for scan in one.scans}
        self.undos_sent = {one.scans[0] for one in sent.values() if one.call is Call.UNDO}
        self.passes_undone = {scan.pass_id for scan in self.undos_sent}
        self.answers_of: dict[Scan, list[Answer]] = defaultdict(list)  # in the order told
        self.undone_at: dict[Scan, float] = {}  # first time that a client was told
        for exchange in self.exchanges:
            if exchange.answers_what_was_sent:
                self._sort(exchange.sent, exchange.end)

    def _sort(self, sent: Sent, end: Told | Lost) -> None:
        assert isinstance(end, Told)
        for scan, verdict in zip(sent.scans, end.verdicts, strict=True):
            if sent.call is Call.UNDO:
                self.undone_at.setdefault(scan, end.at)
            else:
                self.answers_of[scan].append(Answer(sent, end.at, verdict))

    @property
    def answer_count(self) -> int:
        """Verdicts, undone acceptances and closings that a phone was told of."""
        closings = sum(told.status != 503 for _, told in self.closings)
        return sum(len(answers) for answers in self.answers_of.values()) + len(self.undone_at) + closings

    @property
    def told_accepted(self) -> list[tuple[int, Scan]]:
        """Device and scan of every attempt that was once told accepted."""
        return [
            (self.device_of[scan], scan)
            for scan, answers in self.answers_of.items()
            if any(answer.is_accepted for answer in answers)
        ]
