//! The HubEE hub as its clients meet it: OSLs, SIs, the portal, DataPass.
//!
//! | file | what is shown |
//! |---|---|
//! | `bad_input` | what a client may get wrong, and what it is told |
//! | `delivery` | the process killed at any moment: a télédossier is notified whole or not at all |
//! | `journeys` | whole télédossiers, and the habits of deployed clients |
//! | `rush` | tokens asked for at every call, beside télédossiers |

mod bad_input;
mod delivery;
mod journeys;
mod rush;
