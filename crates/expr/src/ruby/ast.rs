//! The tree that the interpreter walks: owned, `Send + Sync`, local variables resolved to slots.
//!
//! It is smaller than Ruby's grammar: modifiers, `unless`, `until` and operators are expressed by
//! their general forms, and constants are resolved to names the engine knows.

use std::sync::Arc;

use super::place::Places;
use super::regex::Regex;

/// A compiled text.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) body: Expr,
    /// Slots of the outermost scope.
    pub(crate) slots: usize,
    /// Maps offsets to the text as it was written.
    pub(crate) places: Places,
}

/// An expression and the offset in the parsed source where it starts.
#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) kind: Kind,
    pub(crate) at: u32,
}

/// A local variable: its slot, in the scope that many blocks outwards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot {
    pub(crate) index: usize,
    pub(crate) depth: u32,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Nil,
    True,
    False,
    SelfObject,
    Int(i64),
    Float(f64),
    Str(Arc<str>),
    /// String parts that are joined.
    Join(Vec<Expr>),
    Sym(Arc<str>),
    JoinSym(Vec<Expr>),
    Regex(Arc<Regex>),
    JoinRegex(Vec<Expr>, &'static str),
    Array(Vec<Arg>),
    Hash(Vec<Pair>),
    Range {
        from: Option<Box<Expr>>,
        to: Option<Box<Expr>>,
        exclusive: bool,
    },
    Local(Slot),
    /// An `@`-variable, without the `@`.
    Variable(Arc<str>),
    /// `$~`, `$1` and the like, as group number; `$~` is `usize::MAX`.
    Group(usize),
    /// `$!`, the exception that a rescue clause handles.
    Handled,
    /// A class or module the engine knows, by its full name.
    Class(&'static str),
    /// A number constant such as `Float::INFINITY`.
    Constant(Arc<str>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    Defined(Box<Expr>),
    If {
        condition: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    /// `while`; `body_first` for `begin … end while`.
    While {
        condition: Box<Expr>,
        body: Box<Expr>,
        until: bool,
        body_first: bool,
    },
    For {
        target: Box<Target>,
        items: Box<Expr>,
        body: Box<Expr>,
    },
    Case {
        subject: Option<Box<Expr>>,
        whens: Vec<When>,
        otherwise: Box<Expr>,
    },
    Seq(Vec<Expr>),
    Call(Box<Call>),
    Assign(Box<Target>, Box<Expr>),
    /// `||=`, `&&=` and `op=`.
    Update(Box<Target>, Operator, Box<Expr>),
    MultiAssign(Box<Targets>, Box<Expr>),
    Begin(Box<Begin>),
    Def(Box<Def>),
    Lambda(Box<Block>),
    Yield(Vec<Arg>),
    Return(Option<Box<Expr>>),
    /// `next` and `break`; `in_loop` when the nearest enclosing thing is a loop, not a block.
    Next {
        value: Option<Box<Expr>>,
        in_loop: bool,
    },
    Break {
        value: Option<Box<Expr>>,
        in_loop: bool,
    },
    Retry,
    /// Literal text between the tags of a template.
    Text(Arc<str>),
    /// The value of a `<%= %>` tag.
    Output(Box<Expr>),
}

#[derive(Debug)]
pub(crate) struct When {
    pub(crate) conditions: Vec<Arg>,
    pub(crate) body: Expr,
}

#[derive(Debug)]
pub(crate) enum Arg {
    One(Expr),
    Splat(Expr),
}

#[derive(Debug)]
pub(crate) enum Pair {
    One(Expr, Expr),
    Splat(Expr),
}

#[derive(Debug)]
pub(crate) struct Call {
    /// `None` for a call without receiver.
    pub(crate) receiver: Option<Expr>,
    pub(crate) name: Arc<str>,
    pub(crate) args: Vec<Arg>,
    /// Whether the last argument is keywords without braces.
    pub(crate) keywords: bool,
    pub(crate) block: Option<BlockArg>,
    /// `&.`
    pub(crate) safe: bool,
    /// A bare name that could have been a variable.
    pub(crate) bare: bool,
}

#[derive(Debug)]
pub(crate) enum BlockArg {
    Block(Box<Block>),
    /// `&expression`
    Pass(Box<Expr>),
    /// `&` alone: the block of the method around.
    Forward,
}

#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) params: Params,
    pub(crate) slots: usize,
    pub(crate) body: Expr,
}

#[derive(Debug, Default)]
pub(crate) struct Params {
    pub(crate) required: Vec<Param>,
    pub(crate) optional: Vec<(usize, Expr)>,
    /// `*rest`; the inner `None` for a nameless one.
    pub(crate) rest: Option<Option<usize>>,
    pub(crate) post: Vec<Param>,
    pub(crate) keywords: Vec<Keyword>,
    pub(crate) keyword_rest: Option<Option<usize>>,
    pub(crate) block: Option<usize>,
    /// `|a,|`: one parameter that still takes an array apart.
    pub(crate) excess_comma: bool,
}

#[derive(Debug)]
pub(crate) enum Param {
    Slot(usize),
    Nested(Targets),
}

#[derive(Debug)]
pub(crate) struct Keyword {
    pub(crate) name: Arc<str>,
    pub(crate) slot: usize,
    /// `None` for a required keyword.
    pub(crate) default: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Def {
    pub(crate) name: Arc<str>,
    pub(crate) block: Block,
}

#[derive(Debug)]
pub(crate) enum Target {
    Local(Slot),
    Variable(Arc<str>),
    /// A constant assigned in the text itself.
    Constant(Arc<str>),
    Index {
        receiver: Expr,
        args: Vec<Arg>,
        at: u32,
    },
    Attribute {
        receiver: Expr,
        name: Arc<str>,
        safe: bool,
        at: u32,
    },
    Nested(Targets),
}

/// `a, *b, (c, d) = …`
#[derive(Debug)]
pub(crate) struct Targets {
    pub(crate) before: Vec<Target>,
    pub(crate) rest: Option<Option<Box<Target>>>,
    pub(crate) after: Vec<Target>,
}

#[derive(Debug)]
pub(crate) enum Operator {
    Or,
    And,
    Method(Arc<str>),
}

#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) body: Expr,
    pub(crate) rescues: Vec<Rescue>,
    pub(crate) otherwise: Option<Expr>,
    pub(crate) ensure: Option<Expr>,
}

#[derive(Debug)]
pub(crate) struct Rescue {
    /// Empty for `StandardError`.
    pub(crate) classes: Vec<Arg>,
    pub(crate) target: Option<Target>,
    pub(crate) body: Expr,
}

impl Expr {
    pub(crate) fn nil(at: u32) -> Expr {
        Expr { kind: Kind::Nil, at }
    }
}
