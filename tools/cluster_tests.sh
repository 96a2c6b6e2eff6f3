#!/bin/sh
# Runs what needs a real cluster, in two processes. Called by `make test` and `make test-cluster`, with words for pytest.
# Real programs share two cores here, so what failed is tried once more, alone. Both tries are printed: a test that passes
# the second time only is named at the end, and is to be mended. A third failure of the second try ends it.
set -u
cache=build/cluster-tests
rm -rf "$cache"
options="-q --strict-markers"  # those of pyproject.toml, which has no memory of what failed
run() { "${VENV:-.venv}/bin/python" -m pytest -o addopts="$options" -o cache_dir="$cache" -m cluster "$@"; }
run -n "${WORKERS:-2}" --dist loadfile --no-loadscope-reorder "$@"
code=$?
[ "$code" -eq 5 ] && exit 0  # no test of this kind among those that were named
[ "$code" -eq 1 ] || exit "$code"
names=$("${VENV:-.venv}/bin/python" -c 'import json, sys; print(*json.load(open(sys.argv[1])), sep="\n  ")' \
	"$cache/v/cache/lastfailed")
printf '\nFAILED BESIDE OTHERS, tried once more alone:\n  %s\n\n' "$names"
run --last-failed --last-failed-no-failures none --maxfail 3 "$@" || exit 1
printf '\nPASSED ONLY ALONE, to be mended:\n  %s\n' "$names"
