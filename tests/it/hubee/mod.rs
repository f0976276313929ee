//! The HubEE hub as its clients meet it: OSLs, SIs, the portal, DataPass.
//!
//! | file | what is shown |
//! |---|---|
//! | `attachments` | files on their way in and out, and the antivirus between |
//! | `events` | what is posted on a case, what follows from it, who is told |

mod attachments;
mod events;
