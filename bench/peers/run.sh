#!/bin/sh
# Makes one organization with another tool:
#   run.sh boto3|same-calls|awscli|ansible --endpoint http://127.0.0.1:4566 --org acme
# Exit codes: 0 it is there, 1 it failed, 2 usage, 3 the tool is not installed.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/environments.sh"
usage() {
    echo "usage: run.sh boto3|same-calls|awscli|ansible --endpoint URL --org ID" >&2
    exit 2
}
peer=${1:-}
case $peer in boto3 | same-calls | awscli | ansible) shift ;; *) usage ;; esac
endpoint=
org=
while [ $# -ge 2 ]; do
    case $1 in
    --endpoint) endpoint=$2 ;;
    --org) org=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ $# -eq 0 ] && [ -n "$endpoint" ] && [ -n "$org" ] || usage
# The second script of boto3 has no packages of its own.
folder=$(environment "$(echo "$peer" | sed s/same-calls/boto3/)")
[ -e "$folder/complete" ] || {
    echo "not installed: run bench/peers/install.sh" >&2
    exit 3
}

# AWS settings of the one who calls must not matter.
for name in $(env | sed -n 's/^\(AWS_[A-Z0-9_]*\)=.*/\1/p'); do
    unset "$name"
done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true
export AWS_ENDPOINT_URL="$endpoint" AWS_ACCESS_KEY_ID=111111111111 AWS_SECRET_ACCESS_KEY=local
export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1
PATH=$folder/bin:$PATH
case $peer in
boto3) exec "$folder/bin/python" "$here/organization.py" "$org" ;;
same-calls) exec "$folder/bin/python" "$here/same_calls.py" "$org" ;;
awscli) exec bash "$here/organization.sh" "$org" ;;
ansible)
    export ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_INVENTORY_UNPARSED_WARNING=False ANSIBLE_NOCOWS=1
    export ANSIBLE_PYTHON_INTERPRETER="$folder/bin/python"
    exec "$folder/bin/ansible-playbook" -i localhost, -c local "$here/organization.yaml" -e "org=$org" -e "endpoint=$endpoint"
    ;;
esac
