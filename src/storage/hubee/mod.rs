//! The hub's tables: one file for each object.
//!
//! To add one: its file, with its statements in [`statements!`](crate::statements), a line here and one in [`all`].

pub mod cases;
pub mod folders;
pub mod links;
pub mod notifications;

/// Every statement of these files, by name: what the preparation test walks.
pub(super) fn all() -> Vec<(&'static str, String)> {
    let fixed = [cases::ALL, folders::ALL, links::ALL, notifications::ALL];
    let fixed = fixed.concat().into_iter();
    let mut all: Vec<_> = fixed.map(|(name, sql)| (name, sql.to_owned())).collect();
    all.extend(cases::of_sets());
    all.extend(links::of_sets());
    all.extend(notifications::composed());
    all
}
