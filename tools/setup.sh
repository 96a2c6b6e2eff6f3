#!/bin/sh
# Makes the virtual environment: pinned packages, the runner from this checkout, and the collection linked into it.
# Called by `make setup`; PYTHON and VENV come from there.
set -eu
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one: make setup PYTHON=python3.12" >&2; exit 2; }
[ -x "$VENV/bin/python" ] || "$PYTHON" -m venv "$VENV"
echo "Installing packages into $VENV (once) ..."
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -r requirements/dev.txt
"$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
# Ansible looks for collections in site-packages too, so a link there serves the runner, ansible-playbook and ansible-doc.
site=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
mkdir -p "$site/ansible_collections/kabanero"
ln -sfn "$(pwd)" "$site/ansible_collections/kabanero/events"
