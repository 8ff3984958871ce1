#!/bin/sh
# Deploys infra/ to an emulator that nobody here wrote, uses what was deployed, and deletes it again.
#   run.sh --functions target/debug      with functions from cargo; `target/lambda` for those from cargo-lambda
#   run.sh --functions target/lambda --measure      prints what docs/cost.md says of one organization
# Every check must run: what cannot is a failure. Virtual environments are made on first use, outside the tree.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/org-provisioner

# Prints the folder of the environment that has what the file $1 lists.
environment() {
    hash=$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:16])' "$1")
    folder=$cache/venv-$hash
    mkdir -p "$cache"
    # Two runs at once must not install into the same folder.
    (
        if command -v flock >/dev/null; then flock 9; fi
        if [ ! -e "$folder/complete" ]; then
            python3 -m venv --clear "$folder" >&2
            "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$1" >&2
            touch "$folder/complete"
        fi
    ) 9>"$folder.lock"
    echo "$folder"
}

main=$(environment "$here/requirements.txt")
MINISTACK_PYTHON=$(environment "$here/requirements-ministack.txt")/bin/python
AWSCLI_BIN=$(environment "$here/requirements-awscli.txt")/bin
export MINISTACK_PYTHON AWSCLI_BIN
# AWS settings of the one who calls must not matter.
for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
    AWS_REGION AWS_DEFAULT_REGION AWS_CA_BUNDLE; do
    unset "$name"
done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export PYTHONDONTWRITEBYTECODE=1
exec "$main/bin/python" "$here/deploy.py" "$@"
