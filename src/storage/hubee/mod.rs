//! The hub's tables: one file for each kind of object. What is personal in them is sealed by the domain before it comes here.
//!
//! To add one: its file, with its statements in [`statements!`](crate::statements), a line here and one in [`all`].

pub mod attachments;
pub mod batches;
pub mod cases;
pub mod clients;
pub mod events;
pub mod files;
pub mod folders;
pub mod forgetting;
pub mod forwards;
pub mod inspection;
pub mod links;
pub mod mails;
pub mod notifications;
pub mod organizations;
pub mod processes;
pub mod reports;
pub mod subscription_list;
pub mod subscriptions;

/// Every statement of these files, by name: what the preparation test walks.
pub(super) fn all() -> Vec<(&'static str, String)> {
    let fixed = [
        attachments::ALL,
        batches::ALL,
        cases::ALL,
        clients::ALL,
        events::ALL,
        folders::ALL,
        forgetting::ALL,
        forwards::ALL,
        inspection::ALL,
        links::ALL,
        mails::ALL,
        notifications::ALL,
        organizations::ALL,
        processes::ALL,
        reports::ALL,
        subscriptions::ALL,
    ];
    let fixed = fixed.concat().into_iter();
    let mut all: Vec<_> = fixed.map(|(name, sql)| (name, sql.to_owned())).collect();
    all.extend(batches::of_sets());
    all.extend(cases::of_sets());
    all.extend(files::of_sets());
    all.extend(forgetting::of_sets());
    all.extend(links::of_sets());
    all.extend(notifications::composed());
    all.extend(organizations::of_lists());
    all.extend(subscription_list::of_lists());
    all
}
