//! What an exchange is: the words of `exchange.kind`.

/// A piece that was sent by API.
pub const PIECE: &str = "piece";
/// An archive of pieces that a depot held.
pub const ARCHIVE: &str = "archive";
/// A télédossier of the HubEE hub.
pub const TELEDOSSIER: &str = "teledossier";
/// The project of all télédossiers: no file of the settings may name one so.
pub const HUB: &str = "hubee";
/// An archive of pieces from the contractor's own digitisation chain, which no sending of ASP precedes.
pub const PLI: &str = "pli";
