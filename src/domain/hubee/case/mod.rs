//! A case: what one recipient gets of a folder (R20 to R25).
//!
//! | file | what it does |
//! |---|---|
//! | [`standing`] | moves a case from status to status, and what follows for its files |

pub mod standing;
