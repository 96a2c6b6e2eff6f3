"""Strongly connected components and ways round, without recursion: a strategy may be a chain of thousands of stages.

`after[n]` are the nodes that follow node n. Used by `flow` and `loops`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Sequence

Edges = Sequence[Collection[int]]


def components(after: Edges) -> list[list[int]]:
    """Nodes that can all reach each other, group by group; a group stands before those that follow it (Kosaraju)."""
    before: list[list[int]] = [[] for _ in after]
    for node, followers in enumerate(after):
        for follower in followers:
            before[follower].append(node)
    seen = [False] * len(after)
    return [sorted(_finished([node], before, seen)) for node in _by_finish(after) if not seen[node]]


def _by_finish(after: Edges) -> Iterable[int]:
    seen = [False] * len(after)
    return reversed(_finished(range(len(after)), after, seen))


def _finished(starts: Iterable[int], after: Edges, seen: list[bool]) -> list[int]:
    """Nodes reached from the starts, each after all that follow it; marks them as seen."""
    done: list[int] = []
    for start in starts:
        if seen[start]:
            continue
        seen[start] = True
        stack = [(start, iter(after[start]))]
        while stack:
            node, followers = stack[-1]
            new = next((each for each in followers if not seen[each]), None)
            if new is None:
                done.append(node)
                stack.pop()
            else:
                seen[new] = True
                stack.append((new, iter(after[new])))
    return done


def way_round(start: int, after: Edges, within: Collection[int]) -> list[int]:
    """The shortest way from a node back to itself; it begins and ends with the node. Empty: there is none.

    A step from the node to itself counts only where it is alone.
    """
    came_from: dict[int, int] = {}
    queue = deque([start])
    while queue:
        node = queue.popleft()
        for follower in sorted(each for each in after[node] if each in within):
            if follower == node == start and len(within) > 1:
                continue
            if follower == start:
                return _unrolled(start, node, came_from)
            if follower not in came_from:
                came_from[follower] = node
                queue.append(follower)
    return []


def _unrolled(start: int, last: int, came_from: dict[int, int]) -> list[int]:
    way = [start, last] if last != start else [start]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1] if len(way) > 1 else [start, start]
