//! Files of a monitor's spool that no flow takes. Nobody else has business there: they would lie for ever, unseen.

use crate::{
    config::{
        Depot,
        depots::{Flow, Transport},
    },
    transport::Listed,
};

/// How many of them lay in a flow's folder at the last look.
#[derive(Default)]
pub struct Strangers(usize);

impl Strangers {
    /// Warns where there are more of them than at the last look. Their names may be personal data: the log has their number.
    pub fn tell(&mut self, depot: &Depot, flow: &Flow, listed: &[Listed]) {
        if !matches!(depot.transport, Transport::Cft(_)) {
            return;
        }
        let strangers = listed
            .iter()
            .filter(|file| !depot.knows(&flow.path, &file.name));
        let count = strangers.count();
        if std::mem::replace(&mut self.0, count) < count {
            tracing::warn!(
                depot = depot.name,
                flow = flow.name,
                count,
                "files of the spool have names that no flow takes: navette depot files names them"
            );
        }
    }
}
