//! Whole télédossiers, as the software that speaks to HubEE today plays them; and the habits that it relies on.
//!
//! | file | who |
//! |---|---|
//! | `teledossier` | an OSL and an SI, from creation to closing |
//! | `deposit` | an SI that asks for more and hands something over |
//! | `datapass` | DataPass brings a subscription, the operator activates it |
//! | `elderly` | software of another time: how its bodies are sent |
//! | `habits` | clients that send back what they read, count on positions and on nulls, and cannot say PATCH |
//! | `wire` | compressed answers, trailing slashes, the software's name, tokens |

mod datapass;
mod deposit;
mod elderly;
mod habits;
mod teledossier;
mod wire;
