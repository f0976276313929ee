//! The settings of vsftpd: a user without an account on the machine, and the TLS session's reuse demanded.

use std::{fmt::Write, fs, process::Command};

use super::{PASSWORD, Site};
use crate::kit::pki::pki;

pub(super) fn command(site: &Site<'_>) -> Command {
    let passwords = site.dir.join("passwords");
    fs::write(&passwords, format!("{PASSWORD}\n")).expect("the scratch directory is writable");
    let file = site.dir.join("vsftpd.conf");
    fs::write(&file, settings(site)).expect("the scratch directory is writable");
    let mut command = Command::new("/usr/sbin/vsftpd");
    command.arg(file);
    command
}

fn settings(site: &Site<'_>) -> String {
    let (dir, wanted) = (site.dir.display(), site.wanted);
    let mut text = format!(
        "listen=YES\nbackground=NO\nlisten_address=127.0.0.1\nlisten_port={}\nrun_as_launching_user=YES\n\
         seccomp_sandbox=NO\nanonymous_enable=YES\nlocal_enable=NO\nwrite_enable=YES\nanon_upload_enable=YES\n\
         anon_other_write_enable=YES\nanon_world_readable_only=NO\nanon_umask=022\nanon_root={}\n\
         allow_writeable_chroot=YES\nsecure_email_list_enable=YES\nemail_password_file={dir}/passwords\n\
         max_per_ip=0\nvsftpd_log_file={dir}/vsftpd.log\nxferlog_enable=YES\nlog_ftp_protocol=YES\n",
        site.port,
        site.root.display(),
    );
    let _ = write!(
        text,
        "ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_logins_ssl=YES\nforce_anon_data_ssl=YES\n\
         require_ssl_reuse=YES\nssl_ciphers=HIGH\nrsa_cert_file={}\nrsa_private_key_file={}\npasv_address={}\n\
         pasv_min_port={}\npasv_max_port={}\n",
        wanted.certificate.display(),
        wanted.key.display(),
        wanted.passive_address,
        site.data,
        site.last(),
    );
    if wanted.implicit {
        text.push_str("implicit_ssl=YES\n");
    }
    if wanted.client_certificates {
        let root = pki().root.display();
        let _ = write!(
            text,
            "require_cert=YES\nvalidate_cert=YES\nca_certs_file={root}\n"
        );
    }
    text.push_str(wanted.more);
    text
}
