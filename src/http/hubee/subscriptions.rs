//! The operations of the hub on subscriptions (R52, R53).

use std::sync::Arc;

use super::Hub;
use crate::http::operation::Operation;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    Vec::new()
}
