//! The only script engines: JavaScript for webhook filters, URL parts and labels ([`js`]), and the
//! subset of Ruby that exported trees use in node parameters and connector conditions ([`ruby`]).
//!
//! Both follow one pattern: text is compiled once (mistakes are found when it is saved, with line
//! and column), the compiled form is `Send + Sync` and cheap to clone, and an evaluation gets all
//! it may know as arguments. Scripts have no I/O, and every evaluation ends within limits of time
//! or steps, memory, depth and output.
//!
//! What it is not: it knows no entity, no store and no event; callers hand in JSON.

pub mod js;
pub mod limits;
pub mod ruby;
