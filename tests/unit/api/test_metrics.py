"""Metrics in Prometheus' text format."""

import pytest
from kabanero.api.metrics import Metrics, Registry
from kabanero.model.errors import StoreUnavailableError


async def lines(registry: Registry) -> list[str]:
    return [line for line in (await registry.text()).splitlines() if not line.startswith("#")]


async def test_a_counter_has_a_line_for_each_combination_of_labels():
    registry = Registry()
    counter = registry.counter("hooks_total", "Hooks.", ("result",))
    counter.add("taken")
    counter.add("taken")
    counter.add("refused", by=3)
    assert await lines(registry) == ['hooks_total{result="taken"} 2', 'hooks_total{result="refused"} 3']


async def test_every_metric_says_what_it_is():
    registry = Registry()
    registry.counter("hooks_total", "Hooks by result.")
    assert (await registry.text()).splitlines() == ["# HELP hooks_total Hooks by result.", "# TYPE hooks_total counter"]


async def test_label_values_cannot_break_out_of_their_quotes():
    registry = Registry()
    registry.counter("x_total", "X.", ("path",)).add('a"b\\c\nd')
    assert await lines(registry) == ['x_total{path="a\\"b\\\\c\\nd"} 1']


async def test_a_histogram_counts_up_to_each_bound():
    registry = Registry()
    histogram = registry.histogram("took_seconds", "Took.", bounds=(0.1, 1))
    for value in (0.05, 0.1, 0.5, 7):
        histogram.observe(value)
    assert await lines(registry) == [
        'took_seconds_bucket{le="0.1"} 2',
        'took_seconds_bucket{le="1"} 3',
        'took_seconds_bucket{le="+Inf"} 4',
        "took_seconds_sum 7.65",
        "took_seconds_count 4",
    ]


async def test_a_gauge_is_read_when_the_page_is():
    registry, numbers = Registry(), {("a",): 1.5}

    async def read():
        return numbers

    registry.gauge("depth", "Depth.", read, ("queue",))
    numbers["b",] = 2
    assert await lines(registry) == ['depth{queue="a"} 1.5', 'depth{queue="b"} 2']


async def test_a_gauge_that_cannot_be_read_leaves_the_rest_of_the_page_as_it_is():
    registry = Registry()

    async def read():
        raise StoreUnavailableError("gone")

    registry.gauge("depth", "Depth.", read)
    registry.counter("x_total", "X.").add()
    assert await lines(registry) == ["x_total 1"]


@pytest.mark.parametrize("name", ["kabanero_api_requests_total", "kabanero_api_request_duration_seconds"])
async def test_requests_are_counted_and_timed(name):
    metrics = Metrics()
    metrics.answered("GET", 200, 0.01)
    assert name in await metrics.registry.text()
