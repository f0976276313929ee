//! Archives: many pieces in one file that travels over a depot, acknowledged by one receipt and answered by one return.
//!
//! | file | what it gives |
//! |---|---|
//! | [`kept`] | what is kept, sealed, of an archive, its dossiers and its pieces |

pub mod kept;
