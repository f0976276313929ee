//! The operations of the hub on events of a case (R30–R36).

use std::sync::Arc;

use super::Hub;
use crate::http::operation::Operation;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    Vec::new()
}
