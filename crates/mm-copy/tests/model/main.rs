//! The copies against a simulated machine and a model that is written apart from them on purpose: it
//! goes byte by byte, over lists of what is mapped where, and knows no page tables.

mod holes;
mod machine;
mod oracle;
mod physical;
mod random;
mod ranges;
mod request;
mod system;
mod tables;
