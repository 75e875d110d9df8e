"""Booklets in the demo's safes, and who is given one: stocks of prescribers, hand-outs, coded answers.

Nobody is named: answers go round in a fixed order, as a crowd of all kinds would give them.
"""

from collections import deque
from collections.abc import Sequence
from itertools import cycle
from uuid import UUID, uuid5

from demo.prescribers import KnownPrescriber
from demo.story import Story
from ledger.custody import transfer_booklets
from ledger.handout_rows import KeptQuestionnaire, NewHandout
from ledger.handouts import hand_out
from ledger.questionnaires import load_questionnaire
from programmes.questionnaire import Answers, answers_in, content_of, default_questionnaire

REQUESTS = UUID("0d3b1c1a-6b6f-5a0e-8f53-3a6cf0f2d1b4")  # a namespace: the same day makes the same demo
PARTIAL_EVERY = 9  # each ninth person is given half a booklet
HALF = 5
# Long cycles without a common divisor: every mixture of answers comes.
SITUATIONS = (
    *("rsa", "retraite", "emploi_non_qualifie", "rsa", "autre", "jeune_neet", "retraite"),
    *("emploi_non_qualifie", "salarie", "jeune_neet", "emploi_qualifie"),
)
QPV = ("oui", "non", "oui", "non", "ne_sait_pas", "oui", "non")
AGES = ("26_59", "60_plus", "26_59", "16_25", "26_59")


class HandingOut:
    def __init__(self, story: Story, questionnaire: KeptQuestionnaire) -> None:
        self._story = story
        self._questionnaire = questionnaire
        self._answers = cycle(_crowd())
        self._stock: dict[int, deque[int]] = {one.id: deque() for one in story.prescribers}
        self._given = 0

    @classmethod
    async def begin(cls, story: Story, *, days_ago: int) -> "HandingOut":
        content = content_of(default_questionnaire())
        at = story.at(days_ago, 9)
        await story.come_to(days_ago)
        kept = await load_questionnaire(
            story.connection, story.programme.id, content, at=at, actor=story.preparer.actor
        )
        return cls(story, kept)

    def of(self, territory: str) -> list[KnownPrescriber]:
        wanted = self._story.territories[territory]
        return [one for one in self._story.prescribers if one.territory_id == wanted]

    async def entrust(self, prescriber: KnownPrescriber, booklets: Sequence[int], *, days_ago: int) -> None:
        await self._story.come_to(days_ago)
        await transfer_booklets(
            self._story.connection,
            booklets,
            from_id=None,
            to_id=prescriber.id,
            at=self._story.at(days_ago, 14),
            actor=self._story.preparer.actor,
            reason="livraison du territoire",
        )
        self._stock[prescriber.id].extend(booklets)

    def lose(self, prescriber: KnownPrescriber) -> int:
        """The booklet that nobody finds any more; blocking it is the mandataire's."""
        return self._stock[prescriber.id].pop()

    async def give(self, territory: str, count: int, *, days_ago: int) -> list[tuple[int, int]]:
        """The prescribers in turn, each from its own stock; booklet and how many passes of each hand-out."""
        await self._story.come_to(days_ago)
        prescribers = self.of(territory)
        given = []
        for place in range(count):
            stocked = [one for one in prescribers if self._stock[one.id]]
            given.append(await self._give(stocked[place % len(stocked)], days_ago=days_ago, place=place))
        return given

    async def _give(self, prescriber: KnownPrescriber, *, days_ago: int, place: int) -> tuple[int, int]:
        story, booklet = self._story, self._stock[prescriber.id].popleft()
        self._given += 1
        passes = HALF if self._given % PARTIAL_EVERY == 0 else story.programme.booklet_size
        answers = next(self._answers)
        person_id = prescriber.person_ids[self._given % len(prescriber.person_ids)]
        new = NewHandout(
            request_id=uuid5(REQUESTS, f"{story.today} {booklet}"),
            booklet=booklet,
            first_pass=1,
            last_pass=passes,
            prescriber_id=prescriber.id,
            person_id=person_id,
            questionnaire_id=self._questionnaire.id,
            answers=dict(answers.codes),
            publics=answers.publics,
        )
        at = story.at(days_ago, 9 + place % 8, 7 * (place % 8))
        await hand_out(story.connection, new, at=at, actor=f"person:{person_id}")
        return booklet, passes


def _crowd() -> list[Answers]:
    asked = default_questionnaire()
    count = len(SITUATIONS) * len(QPV) * len(AGES)
    return [
        answers_in(
            asked,
            {
                "situation": SITUATIONS[place % len(SITUATIONS)],
                "qpv": QPV[place % len(QPV)],
                "age": AGES[place % len(AGES)],
            },
        )
        for place in range(count)
    ]
