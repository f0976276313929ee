//! The hub's tables, one file for each kind of object. What is personal in them is sealed by the domain before it comes here.

pub mod clients;

/// Every statement of these files, by name: what the preparation test walks.
pub(super) fn statements() -> Vec<(&'static str, &'static str)> {
    [clients::ALL].concat()
}
