//! Judged by others: programs that know the standards and not us.

mod contract;
mod dependencies;
mod page;
mod tls;
