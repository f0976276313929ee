#!/bin/sh
# Unpacks ProFTPD from Debian's packages under target/, unless it stands there, and prints its folder. It does not install
# beside vsftpd, so it is not installed (needs the network, the first time; `apt-get update` where its lists are old).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
home="$here/../../../target/proftpd"
packages="proftpd-core proftpd-mod-crypto libhashkit2 libhiredis0.14 libmemcached11 libmemcachedutil2 libpcre2-posix3 libsodium23"
mkdir -p "$here/../../../target"
(
    flock 9
    if [ ! -x "$home/usr/sbin/proftpd" ]; then
        {
            rm -rf "$home" "$home.new"
            mkdir -p "$home.new/packages"
            cd "$home.new/packages"
            # shellcheck disable=SC2086
            apt-get -q download $packages || {
                apt-get -q update || sudo -n apt-get -q update
                apt-get -q download $packages
            }
            for package in *.deb; do
                dpkg -x "$package" "$home.new"
            done
            rm -r "$home.new/packages"
            mv "$home.new" "$home"
        } >&2
    fi
) 9> "$home.lock" || exit 3
cd "$home" && pwd
