//! The copies against a simulated machine and a model that was written apart from them: it goes
//! byte by byte, over lists of what is mapped where, and knows no page tables.

mod holes;
mod machine;
mod oracle;
mod physical;
mod random;
mod ranges;
mod request;
mod system;
mod tables;
