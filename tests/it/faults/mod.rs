//! What must not happen whatever breaks: an acknowledged piece lost, a piece doubled, half a piece visible.
//!
//! | file | what breaks |
//! |---|---|
//! | `kill` | the process, two hundred times at any moment |
//! | `points` | the process, at each named failure point |
//! | `order` | nothing: the system calls behind an acknowledgment, in their order |
//! | `sync` | the disk: a sync or a rename that fails |
//! | `full` | the disk: no room |
//! | `database`, `server` | PostgreSQL, under load; its own disk, full or cut off |
//! | `power` | the machine, with all that its disk has not got yet |
//! | `upkeep` | a purge or a backup, at any moment, and its disk |
//! | `clock` | the clock, by a day, ten years, and back |
//! | `hangup` | the client, right after its last byte |
//! | `shutdown` | nothing: an operator stops a busy gateway |
//!
//! [`load`] sends pieces and keeps the promises it was given; [`audit`] holds the gateway to them and ends with the doctor.

mod audit;
mod clock;
mod database;
mod full;
mod hangup;
mod kill;
mod load;
mod order;
mod points;
mod power;
mod server;
mod shutdown;
mod sync;
mod upkeep;
