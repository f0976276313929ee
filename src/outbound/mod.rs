//! What goes out of the house: [`callback`] to partners and to ticketing tools; [`smtp`] to the mail server;
//! [`clamd`] to the antivirus; [`piece_api`] to
//! a gateway, for the commands that send.
//!
//! To add a channel: a folder of its own, which takes what to send as bytes and answers what the partner said.

pub mod callback;
pub mod clamd;
pub mod piece_api;
pub mod smtp;
