//! The operations of the hub on folders: create, read, change, delete (R10–R17).

use std::sync::Arc;

use super::Hub;
use crate::http::operation::Operation;

/// The operations of this group.
pub fn operations() -> Vec<Operation<Arc<Hub>>> {
    Vec::new()
}
