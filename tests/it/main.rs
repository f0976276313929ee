//! Journeys through the public doors.

mod fixtures;
mod inspection;
