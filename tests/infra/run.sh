#!/bin/sh
# Checks infra/ without deploying it: cfn-lint, SAM, checkov, asl-validator, JSONata, consistency.py, and
# whether consistency.py would notice changes.
#   run.sh [FOLDER]   also checks which glibc the functions in FOLDER (target/lambda) need
# Virtual environments and node's packages are made on first use, outside the tree.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/org-provisioner
built=${1:+$(cd "$1" && pwd)}

# Prints the folder that has what the file $1 lists: $2 installs it there.
environment() {
    hash=$(python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest()[:16])' "$1")
    folder=$cache/$2-$hash
    mkdir -p "$cache"
    # Two runs at once must not install into the same folder.
    (
        if command -v flock >/dev/null; then flock 9; fi
        if [ ! -e "$folder/complete" ]; then
            "$2" "$folder" "$1" >&2
            touch "$folder/complete"
        fi
    ) 9>"$folder.lock"
    echo "$folder"
}

venv() {
    python3 -m venv --clear "$1"
    "$1/bin/python" -m pip install --quiet --disable-pip-version-check -r "$2"
}

node_modules() {
    mkdir -p "$1"
    cp "$2" "$1/package.json"
    npm install --prefix "$1" --silent --no-audit --no-fund
}

lint=$(environment "$here/requirements.txt" venv)
checkov=$(environment "$here/requirements-checkov.txt" venv)
node=$(environment "$here/package.json" node_modules)
export SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 PYTHONDONTWRITEBYTECODE=1
cd "$root"

for template in template observability step-alarms sbt; do
    "$lint/bin/cfn-lint" "infra/$template.yaml"
    "$lint/bin/sam" validate --lint --template "infra/$template.yaml"
done
"$checkov/bin/checkov" --config-file infra/checkov.yaml --directory infra

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for machine in state-machine lifecycle retirement sbt; do
    # The validator wants an ARN to say `aws`. It knows the states and their fields; the JSONata in them is text to it,
    # and consistency.py parses that.
    # shellcheck disable=SC2016
    sed 's/arn:${Partition}/arn:aws/' "infra/$machine.asl.json" >"$scratch/$machine.json"
    node "$node/node_modules/asl-validator/dist/bin/asl-validator.js" --json-path "$scratch/$machine.json"
done

"$lint/bin/python" "$here/consistency.py"
"$lint/bin/python" "$here/mutations.py"
if [ -n "$built" ]; then
    "$lint/bin/python" "$here/glibc.py" "$built"
fi
