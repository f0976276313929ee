//! The flow that an archive is left in, by a depot's own settings.

use crate::{
    config::{
        Depot, Flow,
        depots::{Direction, Incoming},
    },
    kernel::fault::{Code, Fault, Result},
};

/// The flow of that name, or the only one that takes archives.
pub(super) fn incoming(depot: &Depot, name: Option<&str>) -> Result<(Flow, Incoming)> {
    let flows = depot.flows.iter().filter_map(|flow| match &flow.direction {
        Direction::In(incoming) => Some((flow, incoming)),
        _ => None,
    });
    let mut fitting: Vec<_> = flows
        .filter(|(flow, _)| name.is_none_or(|name| flow.name == name))
        .collect();
    match (fitting.pop(), fitting.len()) {
        (Some((flow, incoming)), 0) => Ok((flow.clone(), incoming.clone())),
        (Some(_), _) => Err(usage(
            "the depot has several incoming flows: name one with --flow",
        )),
        (None, _) => Err(usage("the depot has no such incoming flow")),
    }
}

/// A command that was not meant so.
pub(super) fn usage(detail: &str) -> Fault {
    Fault::new(Code::Usage, detail)
}
