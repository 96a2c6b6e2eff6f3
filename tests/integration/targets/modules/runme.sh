#!/usr/bin/env bash
# Plays the playbooks that hold the modules' promises, with the ansible-core that is tested, against a runner of its own.
set -eu
folder=$(mktemp -d)
runner=
trap 'kill $runner 2>/dev/null || true; rm -rf "$folder"' EXIT
mkdir "$folder/project"
cp ../../collection/stages/*.yml "$folder/project"
kabanero serve --data-dir "$folder/data" --project-dir "$folder/project" --listen 127.0.0.1:0 >"$folder/log" 2>&1 &
runner=$!
until grep -q "^ready http" "$folder/log"; do
  kill -0 $runner || { cat "$folder/log"; exit 1; }
  sleep 0.2
done
export K8S_AUTH_KUBECONFIG="$folder/data/kubeconfig"
ansible-playbook setup.yml "$@"
for playbook in ../../collection/playbooks/*.yml; do
  ansible-playbook "$playbook" "$@"
done
