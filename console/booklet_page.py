"""One booklet: how far it is in its life, who did what to it and why, and its replacement."""

from aiohttp import web

from console.event_words import CAUSES
from console.form import BOOKLET_MAX, FieldRefused, reason_in
from console.handout_words import STAGES
from console.refusal import NO_BOOKLET, PageRefused
from console.visit import Visit
from ledger.booklet_history import BookletLife, events_of, read_life
from ledger.booklets import IssueRefused
from ledger.handouts import handouts_of_booklet
from ledger.replacements import CAUSES as REPLACEABLE
from ledger.replacements import ReplacementRefused, ReplacementWaits, replace_booklet
from ledger.rows import CancelCause
from programmes.booklet_life import Stage, stage_of

BOOKLETS = "/console/carnets"
REPLACED_FROM = frozenset(
    {Stage.ACTIVE, Stage.HANDED_OUT, Stage.STARTED, Stage.CANCELLED, Stage.DELIVERED, Stage.REPLACED}
)


async def show_booklet(visit: Visit) -> web.StreamResponse:
    return await _page(visit, await _life(visit))


async def replace(visit: Visit) -> web.StreamResponse:
    life = await _life(visit)
    try:
        reason = reason_in(visit.form)
        try:
            cause = CancelCause(visit.form.get("cause", ""))
        except ValueError:
            raise FieldRefused("cause", "Choisissez la cause.") from None
        done = await replace_booklet(
            visit.connection, life.number, cause=cause, at=visit.now, actor=visit.account.actor, reason=reason
        )
    except FieldRefused as wrong:
        return await _page(visit, life, wrong)
    except ReplacementRefused as refused:
        return await _page(visit, life, FieldRefused("cause", _in_french(str(refused))))
    except ReplacementWaits:
        told = "Le carnet est bloqué. Des scans sont en cours : redemandez le remplacement dans un instant."
        return await _page(visit, life, FieldRefused("cause", told))
    except IssueRefused:
        told = "Le carnet est bloqué. Aucune clé n’est en service pour en émettre un autre."
        return await _page(visit, life, FieldRefused("cause", told))
    raise web.HTTPSeeOther(f"{BOOKLETS}/{done.new_booklet or life.number}")


def _in_french(refused: str) -> str:
    for english, french in (
        ("never active", "il n’a jamais été actif : annulez-le et remettez-en un autre"),
        ("expired", "les pass de son programme ne sont plus valables"),
        ("came back", "il est revenu de son territoire : remettez un autre carnet"),
        ("money went back", "son argent est déjà rendu au programme : remettez un autre carnet"),
        ("all its passes", "tous ses pass sont encaissés"),
        ("in part", "il n’est remis qu’en partie : personne ne peut dire quels pass sont à qui"),
        ("is cancelled as", "il est annulé pour une autre cause"),
    ):
        if english in refused:
            return f"Ce carnet ne peut pas être remplacé : {french}."
    return "Ce carnet ne peut pas être remplacé pour cette cause."


async def _life(visit: Visit) -> BookletLife:
    """The route lets digits through only."""
    digits = visit.request.match_info["booklet"]
    life = None
    if len(digits) <= len(str(BOOKLET_MAX)) and int(digits) <= BOOKLET_MAX:
        life = await read_life(visit.connection, int(digits), now=visit.now)
    if life is None:
        raise PageRefused(NO_BOOKLET)
    return life


async def _page(visit: Visit, life: BookletLife, wrong: FieldRefused | None = None) -> web.StreamResponse:
    stage = stage_of(life)
    return visit.show(
        "booklet.html",
        wrong=wrong,
        life=life,
        stage=STAGES[stage],
        events=await events_of(visit.connection, life),
        handouts=await handouts_of_booklet(visit.connection, life.number),
        may_be_replaced=stage in REPLACED_FROM and life.replaced_by is None,
        causes={cause: CAUSES[cause] for cause in sorted(REPLACEABLE)},
    )
