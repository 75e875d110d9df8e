"""What a right server answers, and the first thing that is wrong with an answer. No network, no locust."""

from typing import Any

from keys.keyring import Keyring
from keys.passes import PassId
from keys.receipt import Receipt, open_receipt


def fault_if_not_accepted(answer: Any, attempt_id: str, keyring: Keyring | None) -> str | None:
    """keyring: to verify the receipt's signature too; None: only that it is there."""
    if not isinstance(answer, dict) or answer.get("verdict") != "accepted":
        return f"a first use was answered {answer}"
    if answer.get("attempt_id") != attempt_id:
        return f"another attempt was answered than {attempt_id}: {answer}"
    text = answer.get("receipt", "")
    if keyring is None:
        return None if text.startswith("PR1:") else f"accepted without a receipt: {answer}"
    receipt = open_receipt(text, keyring)
    if not isinstance(receipt, Receipt) or str(receipt.attempt_id) != attempt_id:
        return f"a receipt that does not stand: {receipt}"
    if receipt.pass_id != PassId(answer["pass"]["booklet"], answer["pass"]["number"]):
        return f"a receipt for another pass: {receipt}, {answer}"
    return None


def fault_if_not_taken_before(answer: Any, attempt_id: str) -> str | None:
    if not isinstance(answer, dict) or answer.get("refusal") != "already_accepted":
        return f"a second use was answered {answer}"
    if answer.get("attempt_id") != attempt_id:
        return f"another attempt was answered than {attempt_id}: {answer}"
    earlier = answer.get("earlier") or {}
    return None if earlier.get("accepted_at") and earlier.get("site") else f"not told of the first: {answer}"


def fault_if_not_acceptable(answer: Any) -> str | None:
    if isinstance(answer, dict) and answer.get("verdict") == "acceptable" and answer["pass"]["number"] > 0:
        return None
    return f"a check of a free pass was answered {answer}"


def fault_if_not_read(answer: Any, code: str) -> str | None:
    texts = [one["text"] for one in answer.get("codes", [])] if isinstance(answer, dict) else []
    return None if texts == [code] else f"a photo of {code} was read as {texts or answer}"
