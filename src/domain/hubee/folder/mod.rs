//! A folder (télédossier): what an online service deposits for one or more recipients (R10 to R17). It is an exchange of kind
//! `teledossier`, of the same id.
//!
//! | file | what it does |
//! |---|---|
//! | [`given`] | reads the body of a new one |
//! | [`admission`] | holds it to the referential |
//! | [`create`] | writes it |
//! | [`body`] | what is sealed of it |
//! | [`view`] | what is shown of it |
//! | [`change`] | complete, closed, open again |
//! | [`withdraw`] | deleted before anybody was told of it |
//!
//! To add a field: [`given`] or [`body`], [`view`], and the contract `schemas/openapi/hubee-folder.yaml`.

pub mod admission;
pub mod body;
pub mod change;
pub mod create;
pub mod given;
pub mod view;
pub mod withdraw;
