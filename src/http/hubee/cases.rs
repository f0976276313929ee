//! The operations of the hub on cases: read, change, migrate, and the purge of a portal's copies (R20–R25).

use std::sync::Arc;

use super::Hub;
use crate::http::operation::Operation;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    Vec::new()
}
