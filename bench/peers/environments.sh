# Where the peers' packages are: a virtual environment for each, outside the tree, named after what is in it.
# Sourced by install.sh and run.sh.

cache=${XDG_CACHE_HOME:-$HOME/.cache}/org-provisioner

# Prints the folder of the environment of the peer $1.
environment() {
    printf '%s/peer-%s-%s\n' "$cache" "$1" "$(cksum <"$here/requirements-$1.txt" | cut -d ' ' -f 1)"
}
