"""An XML file of unknown origin as a tree: bytes checked first, no DTD, no entity, no network. No meaning."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from lxml import etree

from payouts.bank.refused import FileRefusal, FileRefused, refuse_size

# What a tree costs in memory is nodes, not bytes. A statement of 5,000 transfers has about 250,000.
ELEMENTS_MAX: Final = 300_000
TEXT_SHOWN_MAX: Final = 60

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_DECLARED: Final = re.compile(rb"""\s*<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([^"']{0,40})["']""")
# ISO 20022 asks for UTF-8; the others are what European banks have sent in its place.
_ENCODINGS: Final = {
    "utf-8": "utf-8",
    "utf8": "utf-8",
    "us-ascii": "ascii",
    "ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "iso-8859-15": "iso-8859-15",
    "windows-1252": "cp1252",
}
_WIDE: Final = {b"\xff\xfe": "UTF-16", b"\xfe\xff": "UTF-16", b"\x00\x00\xfe\xff": "UTF-32"}


@dataclass(frozen=True, slots=True)
class Node:
    """An element with what a reader asks of it; paths are local names in the namespace of the document."""

    element: Any
    namespace: str

    @property
    def name(self) -> str:
        return str(self.element.tag).rpartition("}")[2]

    def all(self, path: str) -> Iterator["Node"]:
        for found in self.element.iterfind(_qualified(self.namespace, path)):
            yield Node(found, self.namespace)

    def maybe(self, path: str) -> "Node | None":
        """The only element at the path; a second one, of which nobody could say which holds, is refused."""
        found = self.element.findall(_qualified(self.namespace, path))
        if len(found) > 1:
            raise self.refused(f"has {len(found)} {path} where one is allowed")
        return Node(found[0], self.namespace) if found else None

    def one(self, path: str) -> "Node":
        found = self.maybe(path)
        if found is None:
            raise self.refused(f"has no {path}")
        return found

    def text_at(self, path: str) -> str | None:
        found = self.maybe(path)
        return None if found is None else found.text()

    def text(self) -> str | None:
        """None when there is nothing but spaces. An element inside a text would hide a part of it."""
        if len(self.element):
            raise self.refused("holds elements where a text is expected")
        return " ".join((self.element.text or "").split()) or None

    def required(self, path: str) -> str:
        text = self.one(path).text()
        if text is None:
            raise self.refused(f"has an empty {path}")
        return text

    def attribute(self, name: str) -> str | None:
        value = self.element.get(name)
        return None if value is None else str(value)

    def refused(self, what: str, refusal: FileRefusal = FileRefusal.STRUCTURE) -> FileRefused:
        return FileRefused(refusal, f"line {self.element.sourceline}: {self.name} {what}")


@cache
def _qualified(namespace: str, path: str) -> str:
    return "/".join(f"{{{namespace}}}{name}" for name in path.split("/"))


def open_xml(file: bytes) -> Node:
    refuse_size(file)
    text = _as_utf8(file)
    _refuse_document_type(text)
    _refuse_elements(text)
    root = _parsed(text)
    return Node(root, str(root.tag).rpartition("}")[0].lstrip("{"))


def _as_utf8(file: bytes) -> bytes:
    """Decoded here and not by the parser, so that the checks that follow see what it will see."""
    for mark, name in _WIDE.items():
        if file.startswith(mark):
            raise _encoding_refused(f"is {name}")
    if b"\x00" in file:
        raise _encoding_refused("has zero bytes, as UTF-16 has")
    bare = file.removeprefix(_BYTE_ORDER_MARK)
    declared = _DECLARED.match(bare)
    name = declared[1].decode("ascii", "replace") if declared else "utf-8"
    codec = _ENCODINGS.get(name.lower())
    if codec is None:
        raise _encoding_refused(f"says it is {name!r}")
    try:
        text = bare.decode(codec)
    except UnicodeDecodeError as error:
        byte = bare[error.start]
        raise _encoding_refused(f"says it is {name}, and byte {error.start} (0x{byte:02X}) is not") from None
    return bare if codec in ("utf-8", "ascii") else text.encode()


def _encoding_refused(what: str) -> FileRefused:
    return FileRefused(FileRefusal.ENCODING, f"the file {what}: ask the bank for UTF-8")


def _refuse_document_type(text: bytes) -> None:
    for mark in (b"<!DOCTYPE", b"<!ENTITY", b"<!ELEMENT", b"<!ATTLIST"):
        if mark in text:
            raise FileRefused(
                FileRefusal.DOCUMENT_TYPE,
                f"the file holds {mark.decode()}, which no bank's message has: it is not opened",
            )


def _refuse_elements(text: bytes) -> None:
    """Counted in the bytes: by the time a tree can be counted, its memory is spent."""
    elements = text.count(b"<") - text.count(b"</")
    if elements + text.count(b"=") > ELEMENTS_MAX:
        raise FileRefused(
            FileRefusal.TOO_MANY_ELEMENTS,
            f"the file has more than {ELEMENTS_MAX} elements and attributes: ask for one statement a day",
        )


def _parsed(text: bytes) -> Any:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        said = " ".join(str(error).split())[:200]
        raise FileRefused(_syntax_refusal(said), f"the file is not well-formed XML: {said}") from None


def _syntax_refusal(said: str) -> FileRefusal:
    if "depth" in said:
        return FileRefusal.TOO_DEEP
    if "Premature end" in said or "EndTag: '</' not found" in said:
        return FileRefusal.TRUNCATED
    return FileRefusal.NOT_WELL_FORMED
