//! Integration tests of the script engines: tables of expressions, and hostile ones.

mod js;
mod ruby;
mod ruby_table;
