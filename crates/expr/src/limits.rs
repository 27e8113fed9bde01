//! Limits that only the engines know, beside those of [`model::limits`], each with its reason.

/// Longest JavaScript expression, in bytes; callers refuse longer filters much earlier.
pub const JS_SOURCE_BYTES_MAX: usize = 64 * 1024;

/// Turns (some ten thousand instructions each) that a JavaScript evaluation gets even when its
/// time is over, so that a thread that had to wait for a processor blames no script.
pub const JS_TURNS_MIN: u32 = 16;

/// Compiled programs that one thread keeps. A space with more distinct filters recompiles some.
pub const JS_PROGRAMS_MAX: usize = 512;

/// Longest text that a JavaScript template part or result may be, in bytes.
pub const JS_OUTPUT_BYTES_MAX: usize = 256 * 1024;

/// Native stack that one Ruby evaluation may use, in bytes; worker threads have 2 MiB.
pub const RUBY_STACK_BYTES_MAX: usize = 1024 * 1024;

/// Ruby code of one condition or template, without the literal text of the template, in bytes.
/// Real ones stay under 20 kB.
pub const RUBY_CODE_BYTES_MAX: usize = 128 * 1024;

/// Nesting of expressions inside one Ruby program, checked when it is compiled.
pub const RUBY_NESTING_MAX: usize = 1000;

/// Bytes that a Ruby template may render.
pub const RUBY_OUTPUT_BYTES_MAX: usize = 8 * 1024 * 1024;

/// Backtracking steps of one regular expression match in Ruby.
pub const RUBY_BACKTRACK_MAX: usize = 200_000;
