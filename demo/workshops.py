"""Eleven months of workshops: who scanned which passes when, and what the operators remitted of them."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from demo.prescribers import VAL_RIVIERE, VILLE_HAUTE
from demo.story import Story
from keys.keyring import KeyPurpose, KeyState
from keys.passes import PassId
from keys.receipt import seal_key_from
from ledger.claims import claim_passes
from ledger.remittance_rows import ClosedRemittance
from ledger.remittances import close_remittance
from ledger.rows import Acceptance, Candidate, Device, Operator, Outcome
from ledger.seals import receipt_of, seal_row
from ledger.signing_keys import list_keys
from payouts.certification import certification_text

COME_MIN = {VILLE_HAUTE: 4, VAL_RIVIERE: 2}  # and up to so many more
COME_MORE = {VILLE_HAUTE: 3, VAL_RIVIERE: 1}
CLOSING_HOUR = 18
# To which circles people go who were handed a booklet there: places of devices, in turn.
CIRCLES = {VILLE_HAUTE: (0, 1, 2), VAL_RIVIERE: (3, 4)}

ATTEMPTS = UUID("6f0a4f0e-8d0b-5c57-9a51-5b9f2b1d7c11")  # a namespace: the same day makes the same demo


@dataclass
class Guest:
    """A booklet on its way to workshops; how many passes of it will be used is nobody's name."""

    booklet: int
    passes: int
    taken: int = 0

    @property
    def is_done(self) -> bool:
        return self.taken >= self.passes


class Workshops:
    """Passes are taken as the service takes them: by claim_passes(), sealed with the active receipt key."""

    def __init__(self, story: Story, *, receipt_key_id: int, seal_key: bytes) -> None:
        self._story = story
        self._devices = one_device_each(story)
        self._guests: list[deque[Guest]] = [deque() for _ in self._devices]
        self._welcomed = dict.fromkeys(CIRCLES, 0)
        self._receipt_key_id = receipt_key_id
        self._seal_key = seal_key

    @classmethod
    async def begin(cls, story: Story) -> "Workshops":
        receipt_key_id, kid = next(
            (key_id, key.kid)
            for key_id, key in (await list_keys(story.connection)).items()
            if key.purpose is KeyPurpose.RECEIPT and key.state is KeyState.ACTIVE
        )
        private_key = story.folder.key_folder.private_key(KeyPurpose.RECEIPT, kid)
        return cls(story, receipt_key_id=receipt_key_id, seal_key=seal_key_from(private_key))

    def welcome(self, territory: str, given: Sequence[tuple[int, int]]) -> None:
        """Booklets handed out there, and how many passes of each: some people stop before their last one."""
        circles = CIRCLES[territory]
        for booklet, passes in given:
            place = self._welcomed[territory]
            self._welcomed[territory] += 1
            used = max(1, passes - (0, 0, 1, 0, 3)[place % 5])
            self._guests[circles[place % len(circles)]].append(Guest(booklet, used))

    async def hold(self, days_ago: range, *, every: int) -> None:
        """days_ago: from the earlier day on, as `range(62, 46, -1)`; a circle meets once in `every` days."""
        for ago in days_ago:
            for place, device in enumerate(self._devices):
                if (ago + 2 * place) % every == 1:
                    await self._hold(device, ago, place)

    async def _hold(self, device: Device, ago: int, place: int) -> None:
        guests = self._guests[place]
        territory = VAL_RIVIERE if place in CIRCLES[VAL_RIVIERE] else VILLE_HAUTE
        count = COME_MIN[territory] + (ago + place) % (COME_MORE[territory] + 1)
        coming = [guests.popleft() for _ in range(min(count, len(guests)))]
        at = self._story.at(ago, 10 + 2 * (place % 4), 5 + 7 * place)
        service_ids = self._service_ids(device)
        taken = []
        for guest in coming:
            guest.taken += 1
            taken.append(PassId(guest.booklet, guest.taken))
            if not guest.is_done:
                guests.append(guest)
        candidates = [
            Candidate(
                pass_id=pass_id,
                attempt_id=uuid5(ATTEMPTS, f"{self._story.today} {pass_id.booklet}-{pass_id.number}"),
                device_id=device.id,
                site_id=device.site_id,
                operator_id=device.operator_id,
                service_id=service_ids[ago % len(service_ids)],
                amount_cents=self._story.programme.face_value_cents,
                judged_at=at,
            )
            for pass_id in sorted(taken)
        ]
        if not candidates:
            return
        claimed = await claim_passes(
            self._story.connection,
            candidates,
            [self._seal(one) for one in candidates],
            accepted_at=at,
            receipt_key_id=self._receipt_key_id,
        )
        assert {one.outcome for one in claimed} == {Outcome.TAKEN}

    async def close(self, operator: Operator, days_ago: int) -> ClosedRemittance:
        """By the phone of the operator's first mediator, as the page does it."""
        device = next(one for one in self._devices if one.operator_id == operator.id)
        await self._story.come_to(days_ago)
        closed = await close_remittance(
            self._story.connection,
            operator.id,
            at=self._story.at(days_ago, CLOSING_HOUR),
            actor=f"device:{device.id}",
            certified_by=device.mediator_id,
            certification=certification_text(
                operator=operator.name,
                operator_siret=operator.siret,
                person=self._story.facts.persons[device.mediator_id],
            ),
        )
        assert isinstance(closed, ClosedRemittance)
        return closed

    async def close_all(self, days_ago: int) -> list[ClosedRemittance]:
        return [await self.close(operator, days_ago) for operator in self._story.operators]

    def _service_ids(self, device: Device) -> list[int]:
        """What the operator is qualified for and the programme pays."""
        programme = self._story.programme
        qualified = next(
            one.service_ids
            for one in self._story.facts.qualifications
            if (one.operator_id, one.programme_id) == (device.operator_id, programme.id)
        )
        return sorted(qualified & programme.service_ids)

    def _seal(self, one: Candidate) -> int:
        acceptance = Acceptance(
            one.pass_id,
            one.attempt_id,
            one.judged_at,
            one.site_id,
            one.operator_id,
            one.amount_cents,
            self._receipt_key_id,
        )
        return seal_row(
            receipt_of(acceptance, self._story.facts.operators[one.operator_id].siret),
            device_id=one.device_id,
            service_id=one.service_id,
            scanned_at=one.scanned_at,
            seal_key=self._seal_key,
        )


def one_device_each(story: Story) -> list[Device]:
    """One per mediator: a demo that was killed while it enrolled them has enrolled some twice."""
    devices = sorted(story.facts.devices.values(), key=lambda one: one.id, reverse=True)
    return sorted({one.mediator_id: one for one in devices}.values(), key=lambda one: one.id)
