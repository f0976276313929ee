//! How the returns of a project leave: by its own API, or as archives through a depot.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    depots::{Depot, Direction},
    reader::Reader,
};

/// How the returns of a project leave.
#[derive(Clone, Debug)]
pub struct Returns {
    /// By which way those of archives and plis leave.
    pub archives: Channel,
    /// The outgoing flow of returns that leave through a depot, where the project has one.
    pub outlet: Option<Outlet>,
    /// How many bytes of produced files a return by callback may carry itself; above, it carries links, or leaves through the
    /// depot.
    pub inline_bytes: u64,
    /// How often a depot is tried that does not take a return.
    pub tries: Tries,
}

/// How often something is tried, and over how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tries {
    /// How many tries are made.
    pub attempts: u32,
    /// Over how long they are spread.
    pub over: Duration,
}

/// A way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// A POST to the project's own API.
    Callback,
    /// A return archive through a depot.
    Depot,
}

/// An outgoing flow of a depot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlet {
    /// The depot.
    pub depot: String,
    /// Its flow.
    pub flow: String,
}

impl Returns {
    pub(super) fn read(reader: &mut Reader) -> Self {
        let outlet = outlet(reader);
        Self {
            archives: channel(reader, outlet.is_some()),
            outlet,
            inline_bytes: reader.number("return.inline_bytes", 1_000_000, 0, 10_000_000),
            tries: Tries {
                attempts: reader.number("return.attempts", 12, 1, 100) as u32,
                over: reader.seconds("return.over_seconds", 72 * 3600, 30 * 86_400),
            },
        }
    }

    /// Whether the project needs no API of its own: all its returns may leave through a depot.
    pub(super) fn by_depot(&self) -> bool {
        self.archives == Channel::Depot && self.outlet.is_some()
    }

    /// What is wrong with the outlet, and its key, where it is no outgoing flow of the depots for `project`.
    pub(super) fn wrong(
        &self,
        project: &str,
        depots: &BTreeMap<String, Arc<Depot>>,
    ) -> Option<(&'static str, &'static str)> {
        let outlet = self.outlet.as_ref()?;
        let Some(depot) = depots.get(&outlet.depot) else {
            return Some(("return.depot", "no such depot"));
        };
        let Some(flow) = depot.flow(&outlet.flow) else {
            return Some(("return.flow", "the depot has no such flow"));
        };
        match &flow.direction {
            Direction::Out(_) if flow.project == project => None,
            Direction::Out(_) => Some(("return.flow", "this flow is another project's")),
            _ => Some(("return.flow", "expected a flow with direction \"out\"")),
        }
    }
}

fn outlet(reader: &mut Reader) -> Option<Outlet> {
    let depot = reader.optional_text("return.depot");
    let flow = reader.optional_text("return.flow");
    if depot.is_some() != flow.is_some() {
        reader.wrong("return.depot", "depot and flow go together");
    }
    let (depot, flow) = depot.zip(flow)?;
    Some(Outlet { depot, flow })
}

/// By depot where there is one, unless the settings say otherwise.
fn channel(reader: &mut Reader, has_outlet: bool) -> Channel {
    match reader.optional_text("return_channel").as_deref() {
        None if has_outlet => Channel::Depot,
        None | Some("callback") => Channel::Callback,
        Some("depot") => {
            if !has_outlet {
                reader.wrong("return_channel", "needs return.depot and return.flow");
            }
            Channel::Depot
        }
        Some(_) => {
            reader.wrong("return_channel", "expected \"callback\" or \"depot\"");
            Channel::Callback
        }
    }
}
