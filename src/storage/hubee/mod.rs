//! The hub's tables: one file for each object.
//!
//! To add one: its file, with its statements in [`statements!`](crate::statements), a line here and one in [`all`].

pub mod organizations;
pub mod processes;
pub mod referential;
pub mod subscription_list;
pub mod subscriptions;

/// Every statement of these files, by name: what the preparation test walks.
pub(super) fn all() -> Vec<(&'static str, String)> {
    let fixed = [
        organizations::ALL,
        processes::ALL,
        referential::ALL,
        subscription_list::ALL,
        subscriptions::ALL,
    ];
    let fixed = fixed.concat().into_iter();
    let mut all: Vec<_> = fixed.map(|(name, sql)| (name, sql.to_owned())).collect();
    all.extend(organizations::of_lists());
    all.extend(subscription_list::of_lists());
    all
}
