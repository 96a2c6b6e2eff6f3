"""Which emitted event was probably meant by one that never comes. Used by `events` and `starts`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from functools import cached_property

from kabanero.engine.verifying.emissions import Emission
from kabanero.engine.verifying.reach import Reach
from kabanero.model.nearmiss import fold, near_miss

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
RELATED = 2
"""Least score at which an event that nobody waits for counts as the one that was meant."""

MOST = 50
"""Names for which a near miss is looked for; who has more mistakes has enough to begin with."""


class Meant:
    """Answers for one strategy, so that what all answers need is looked up once."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._spelt: dict[str, str | None] = {}

    def by_spelling(self, stage: int, name: str) -> Emission | None:
        """The event of nearly the same name that another stage emits."""
        if name not in self._spelt and len(self._spelt) < MOST:
            self._spelt[name] = near_miss(name, self._first)
        meant = self._spelt.get(name)
        if meant is None or meant == name or self._first[meant].stage == stage:
            return None
        return self._first[meant]

    def by_meaning(self, stage: int, name: str) -> Emission | None:
        """An event for which nobody waits, of a stage that can run, whose names have much to do with what is awaited.

        As where Approval emits `Deploy` and Deploy waits for `deploy_approval`. To bear the name of the stage that
        waits counts 2, to come from a stage of whose name a word is in what is awaited 2, to have such a word itself 1.
        """
        of_event, of_stage = ({each for word in _words(name) for each in by.get(word, ())} for by in self._by_word)
        namesakes = self._by_name.get(fold(self._reach.flow.names[stage]), ())
        scores: Counter[int] = Counter()
        for numbers in (of_event, of_stage, of_stage, namesakes, namesakes):
            scores.update(numbers)
        possible = [(score, -number) for number, score in scores.items() if self._unheard[number].stage != stage]
        score, number = max(possible, default=(0, 0))
        return self._unheard[-number] if score >= RELATED else None

    @cached_property
    def _first(self) -> dict[str, Emission]:
        emissions = [each for each in self._reach.flow.emissions if each.stays_inside]
        return {each.name: each for each in reversed(emissions)}

    @cached_property
    def _unheard(self) -> list[Emission]:
        flow = self._reach.flow
        return [
            each
            for each in flow.emissions
            if each.stays_inside and self._reach.runs(each.stage) and not flow.is_heard(each)
        ]

    @cached_property
    def _by_name(self) -> dict[str, list[int]]:
        """Numbers of unheard emissions by the event's name."""
        found: dict[str, list[int]] = defaultdict(list)
        for number, each in enumerate(self._unheard):
            found[fold(each.name)].append(number)
        return found

    @cached_property
    def _by_word(self) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
        """The same by each word of the event's name, and by each word of the names of its stage."""
        of_event: dict[str, list[int]] = defaultdict(list)
        of_stage: dict[str, list[int]] = defaultdict(list)
        for number, each in enumerate(self._unheard):
            binding = self._reach.flow.stages[each.stage]
            for word in _words(each.name):
                of_event[word].append(number)
            for word in _words(binding.stage_name) | _words(binding.stage_ref.name):
                of_stage[word].append(number)
        return of_event, of_stage


def _words(name: str) -> set[str]:
    return {word.casefold() for word in _WORD.findall(name)}
