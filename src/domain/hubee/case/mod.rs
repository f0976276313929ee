//! A case: what one recipient gets of a folder (R20 to R25).
//!
//! | file | what it does |
//! |---|---|
//! | [`view`] | shows it to its two sides |
//! | [`change`] | one side moves it |
//! | [`standing`] | what follows from its status |
//! | [`migrate`] | all those of an organisation go to another |
//! | [`portal`] | what the portal has yet to purge of its own copies |

pub mod change;
pub mod migrate;
pub mod portal;
pub mod standing;
pub mod view;
