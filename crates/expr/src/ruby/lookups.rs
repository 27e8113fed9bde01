//! Look-ups that a compiled text is sure to try: `@results['Node']['Key']`, with their places.
//!
//! Only `[]` with literal keys counts. What stands in the reach of a `rescue` is left out, since
//! its author expects keys to be missing, and so is whatever is assigned to.

use super::ast::{Arg, Block, BlockArg, Call, Expr, Kind, Pair, Program};

/// A look-up in an `@`-variable by literal keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lookup {
    /// The variable, without its `@`.
    pub variable: String,
    /// The keys, outermost first; never empty.
    pub keys: Vec<String>,
    /// Line in the text as it was written, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// All look-ups of a program, in the order of the text.
pub(super) fn of(program: &Program) -> Vec<Lookup> {
    let mut walker = Walker { program, found: Vec::new() };
    walker.expr(&program.body);
    walker.found
}

struct Walker<'p> {
    program: &'p Program,
    found: Vec<Lookup>,
}

/// The variable and keys of `@a['b']['c']`.
fn chain(expr: &Expr) -> Option<(&str, Vec<&str>)> {
    let Kind::Call(call) = &expr.kind else { return None };
    if &*call.name != "[]" || call.args.len() != 1 {
        return None;
    }
    let Some(Arg::One(Expr { kind: Kind::Str(key), .. })) = call.args.first() else { return None };
    let receiver = call.receiver.as_ref()?;
    let (variable, mut keys) = match &receiver.kind {
        Kind::Variable(name) => (&**name, Vec::new()),
        _ => chain(receiver)?,
    };
    keys.push(key);
    Some((variable, keys))
}

impl Walker<'_> {
    fn expr(&mut self, expr: &Expr) {
        if let Some((variable, keys)) = chain(expr) {
            let (line, column) = self.program.places.find(expr.at);
            self.found.push(Lookup {
                variable: variable.to_owned(),
                keys: keys.into_iter().map(str::to_owned).collect(),
                line,
                column,
            });
            return;
        }
        match &expr.kind {
            Kind::Join(parts)
            | Kind::JoinSym(parts)
            | Kind::JoinRegex(parts, _)
            | Kind::Seq(parts) => parts.iter().for_each(|part| self.expr(part)),
            Kind::Array(args) | Kind::Yield(args) => self.args(args),
            Kind::Hash(pairs) => pairs.iter().for_each(|pair| match pair {
                Pair::One(key, value) => {
                    self.expr(key);
                    self.expr(value);
                }
                Pair::Splat(value) => self.expr(value),
            }),
            Kind::Range { from, to, .. } => {
                [from, to].into_iter().flatten().for_each(|end| self.expr(end));
            }
            Kind::And(a, b) | Kind::Or(a, b) => {
                self.expr(a);
                self.expr(b);
            }
            Kind::Not(inner) | Kind::Output(inner) => self.expr(inner),
            Kind::If { condition, then, otherwise } => {
                self.expr(condition);
                self.expr(then);
                self.expr(otherwise);
            }
            Kind::While { condition, body, .. } => {
                self.expr(condition);
                self.expr(body);
            }
            Kind::For { items, body, .. } => {
                self.expr(items);
                self.expr(body);
            }
            Kind::Case { subject, whens, otherwise } => {
                subject.iter().for_each(|subject| self.expr(subject));
                for when in whens {
                    self.args(&when.conditions);
                    self.expr(&when.body);
                }
                self.expr(otherwise);
            }
            Kind::Call(call) => self.call(call),
            Kind::Assign(_, value) | Kind::Update(_, _, value) | Kind::MultiAssign(_, value) => {
                self.expr(value);
            }
            Kind::Begin(begin) if begin.rescues.is_empty() => {
                self.expr(&begin.body);
                begin.otherwise.iter().for_each(|part| self.expr(part));
                begin.ensure.iter().for_each(|part| self.expr(part));
            }
            Kind::Begin(begin) => begin.rescues.iter().for_each(|rescue| self.expr(&rescue.body)),
            Kind::Def(def) => self.block(&def.block),
            Kind::Lambda(block) => self.block(block),
            Kind::Return(value) | Kind::Next { value, .. } | Kind::Break { value, .. } => {
                value.iter().for_each(|value| self.expr(value));
            }
            // `defined?` asks whether a thing is there, and literals hold nothing.
            _ => {}
        }
    }

    fn call(&mut self, call: &Call) {
        call.receiver.iter().for_each(|receiver| self.expr(receiver));
        self.args(&call.args);
        match &call.block {
            Some(BlockArg::Block(block)) => self.block(block),
            Some(BlockArg::Pass(value)) => self.expr(value),
            Some(BlockArg::Forward) | None => {}
        }
    }

    fn args(&mut self, args: &[Arg]) {
        for arg in args {
            let (Arg::One(value) | Arg::Splat(value)) = arg;
            self.expr(value);
        }
    }

    fn block(&mut self, block: &Block) {
        block.params.optional.iter().for_each(|(_, value)| self.expr(value));
        self.expr(&block.body);
    }
}
