#!/bin/sh
# Looks at the checklist's page in headless Chromium: widths, requests, colours, headings, print.
#   run.sh [--orgctl target/debug/orgctl] [--screenshots FOLDER]
# Chromium comes from the distribution, its driver from npm into a folder outside the tree, on first use.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/org-provisioner
orgctl=${CARGO_TARGET_DIR:-$root/target}/debug/orgctl
screenshots=
while [ $# -gt 0 ]; do
    case $1 in
    --orgctl) orgctl=$2 ;;
    --screenshots) screenshots=$2 ;;
    *) echo "usage: run.sh [--orgctl FILE] [--screenshots FOLDER]" >&2; exit 2 ;;
    esac
    shift 2
done

if ! command -v chromium >/dev/null; then
    apt-get update -qq >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-liberation fonts-dejavu-core >&2
fi
chromium=$(command -v chromium)

hash=$(sha256sum "$here/package.json" | cut -c 1-16)
node=$cache/playwright-$hash
mkdir -p "$cache"
# Two runs at once must not install into the same folder.
(
    if command -v flock >/dev/null; then flock 9; fi
    if [ ! -e "$node/complete" ]; then
        mkdir -p "$node"
        cp "$here/package.json" "$node/package.json"
        npm install --prefix "$node" --silent --no-audit --no-fund >&2
        touch "$node/complete"
    fi
) 9>"$node.lock"

# Settings of the one who calls, AWS's and the deployment's, must not matter.
for name in AWS_PROFILE AWS_DEFAULT_PROFILE AWS_SESSION_TOKEN AWS_DEFAULT_REGION AWS_CA_BUNDLE EXPECTED_ACCOUNT_ID \
    KMS_KEY_ID USER_PREFIX BUCKET_PREFIX SECRET_NAME_TEMPLATE TAG_KEY; do
    unset "$name"
done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 ACCOUNT_CLASS=production

scratch=$(mktemp -d)
"$orgctl" local serve --port 0 >"$scratch/log" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null || true; wait "$pid" 2>/dev/null || true; rm -rf "$scratch"' EXIT
tries=0
until AWS_ENDPOINT_URL=$(grep -om1 'http://127[^ ]*' "$scratch/log"); do
    tries=$((tries + 1))
    [ "$tries" -lt 100 ] || { cat "$scratch/log" >&2; exit 1; }
    sleep 0.1
done
export AWS_ENDPOINT_URL

NODE_PATH=$node/node_modules CHROMIUM=$chromium ORGCTL=$orgctl SCRATCH=$scratch SCREENSHOTS=$screenshots \
    node "$here/page.js"
