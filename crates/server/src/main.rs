//! The `kapok` binary.
fn main() {}
