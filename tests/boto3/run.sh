#!/bin/sh
# Runs run.py in a virtual environment that is made on first use, outside the tree.
#   run.sh check --endpoint http://127.0.0.1:4566
#   run.sh compare --orgctl target/debug/orgctl [--update]
#   run.sh readme --orgctl target/debug/orgctl [--functions target/debug]
#   run.sh sessions --orgctl target/debug/orgctl
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
if [ "${1:-}" = compare ]; then
    MINISTACK_PYTHON=$(environment "$here/requirements-ministack.txt")/bin/python
    export MINISTACK_PYTHON
fi
# AWS settings of the one who calls must not matter.
for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN \
    AWS_REGION AWS_DEFAULT_REGION AWS_CA_BUNDLE; do
    unset "$name"
done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export PYTHONDONTWRITEBYTECODE=1
script=run.py
if [ "${1:-}" = readme ]; then
    script=readme.py
    shift
elif [ "${1:-}" = sessions ]; then
    script=readme.py
    shift
    set -- --operations "$@"
fi
exec "$main/bin/python" "$here/$script" "$@"
