# In the root file system: USER BUNDLE TASK...
# Checks the commit in the bundle out in the user's clone, and runs a task of xtask's there.
set -eu

user=$1
bundle=$2
shift 2

if ! id "$user" >/dev/null 2>&1; then
    useradd --create-home --shell /bin/sh "$user"
    echo "$user ALL=(ALL) NOPASSWD: ALL" >"/etc/sudoers.d/$user"
fi
HOME=$(getent passwd "$user" | cut -d: -f6)
export HOME

# The folder is kept, and git writes only what differs, so that less is built again.
cd "$HOME"
as_user="runuser -u $user --"
$as_user git init --quiet ringcopy
cd ringcopy
$as_user git fetch --quiet --force "$bundle" HEAD
$as_user git -c advice.detachedHead=false checkout --quiet --force FETCH_HEAD
$as_user cargo xtask "$@"
