//! The operations of the hub on notifications (R40, R41).

use std::sync::Arc;

use super::Hub;
use crate::http::operation::Operation;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    Vec::new()
}
