#!/bin/sh
# Starts an OpenSSH server that lets one user of its own into one folder: sshd.sh FOLDER ROOT
# It runs in a mount namespace: the user stands in a copy of the machine's accounts that nobody else sees, and the folder is
# seen below a path that belongs to root alone, as a chroot has to.
set -e
folder=$1
root=$2
for file in passwd shadow; do
    cat "/etc/$file" "$folder/$file.more" > "$folder/$file"
    mount --bind "$folder/$file" "/etc/$file"
done
# By a prompt, the password is PAM's to compare.
mount --bind "$folder/pam" /etc/pam.d/sshd
mount -t tmpfs -o mode=755 tmpfs /srv
mkdir /srv/depot
mount --rbind "$root" /srv/depot
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/sshd
exec /usr/sbin/sshd -D -e -f "$folder/sshd_config"
