# Runs a command in the root file system of another release: ROOT COMMAND...
# It is the first process of its own process and mount namespaces. No other process sees what it
# mounts, which is gone once it has ended.
set -eu

# The first process of a namespace gets only signals that it handles.
trap 'exit 130' INT
trap 'exit 143' TERM HUP

root=$1
shift

mount -t proc proc "$root/proc"
for folder in sys dev; do
    mount --rbind "/$folder" "$root/$folder"
done
# The shared memory of the machine is not that of the release.
mount -t tmpfs -o mode=1777 shm "$root/dev/shm"

# Name resolution and trusted certificates of this machine. The release's own resolv.conf can be a
# link to a service that does not run here.
for file in etc/resolv.conf etc/hosts etc/ssl/certs/ca-certificates.crt; do
    if [ -e "/$file" ]; then
        rm -f "$root/$file"
        cat "/$file" >"$root/$file"
    fi
done

# Not with `exec`: the traps are this shell's.
chroot "$root" "$@"
