"""What the compatibility loader did to an input, by line: every change is named, none is made in silence."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kabanero.model.nearmiss import near_miss
from kabanero.model.yamltree import Node, Pair, Scalar, Table


@dataclass(frozen=True, slots=True)
class Repair:
    """One change: the 1-based line in the text that was read, what was done, and why."""

    line: int
    what: str
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what} ({self.reason})"


@dataclass(slots=True)
class Repairs:
    """Collects the repairs of one document."""

    done: list[Repair] = field(default_factory=list)

    def __bool__(self) -> bool:
        """Whether anything was repaired: then the document is not in the canonical form."""
        return bool(self.done)

    def add(self, line: int, what: str, reason: str) -> None:
        """Names one repair."""
        self.done.append(Repair(line, what, reason))

    def rename(self, pair: Pair, name: str, reason: str) -> None:
        """Gives a field another name."""
        self.add(pair.key.line, f"{pair.key.text} -> {name}", reason)
        pair.key = Scalar(name, pair.key.line)

    def rewrite(self, scalar: Scalar, text: str, reason: str, field: str = "") -> None:
        """Gives a value another text. `field` is where it stands, if the value alone does not show it."""
        self.add(scalar.line, f"{field}: {scalar.text} -> {text}" if field else f"{scalar.text} -> {text}", reason)
        scalar.text, scalar.plain = text, False

    def tidy(self, table: Node | None, vocabulary: Iterable[str]) -> None:
        """Corrects misspelt fields: those that are no words of the vocabulary, but nearly."""
        if not isinstance(table, Table):
            return
        words = list(vocabulary)
        for pair in table.pairs:
            meant = near_miss(pair.key.text, words)
            if meant and meant != pair.key.text and table.get(meant) is None:
                self.rename(pair, meant, "no field of that name is known here, but this one is")
