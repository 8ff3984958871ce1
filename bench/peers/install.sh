#!/bin/sh
# Installs what the peers run with, pinned, into virtual environments of their own under ~/.cache/org-provisioner:
#   install.sh [boto3] [awscli] [ansible]
# Without a name, all of them. It takes about 1 GB, nearly all of it for Ansible.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/environments.sh"
[ $# -gt 0 ] || set -- boto3 awscli ansible
mkdir -p "$cache"
for peer in "$@"; do
    folder=$(environment "$peer")
    [ ! -e "$folder/complete" ] || continue
    python3 -m venv --clear "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements-$peer.txt"
    touch "$folder/complete"
    echo "$peer: $folder"
done
