//! Conversion of literals, variables and the dispatch over all kinds of nodes.

use std::sync::Arc;

use ruby_prism::{Integer, Node, NodeList, StatementsNode};

use super::super::ast::{Arg, Call, Expr, Kind, Operator, Pair, Slot, Target};
use super::super::{constants, regex};
use super::{Converter, name};

impl Converter<'_> {
    pub(super) fn node(&mut self, node: &Node<'_>) -> Expr {
        let location = node.location();
        let at = location.start();
        let kind = match node {
            Node::NilNode { .. } => Kind::Nil,
            Node::TrueNode { .. } => Kind::True,
            Node::FalseNode { .. } => Kind::False,
            Node::SelfNode { .. } => Kind::SelfObject,
            Node::ParenthesesNode { .. } => return self.parentheses(node, at),
            Node::StatementsNode { .. } => {
                return self.statements(node.as_statements_node().as_ref(), at);
            }
            Node::ImplicitNode { .. } => match node.as_implicit_node() {
                Some(implicit) => return self.expr(&implicit.value()),
                None => Kind::Nil,
            },
            _ => match self.literal(node) {
                Some(kind) => kind,
                None => match self.variable(node) {
                    Some(kind) => kind,
                    None => return self.compound(node),
                },
            },
        };
        Expr { kind, at }
    }

    fn parentheses(&mut self, node: &Node<'_>, at: u32) -> Expr {
        match node.as_parentheses_node().and_then(|parentheses| parentheses.body()) {
            Some(body) => self.expr(&body),
            None => Expr::nil(at),
        }
    }

    pub(super) fn statements(&mut self, node: Option<&StatementsNode<'_>>, at: u32) -> Expr {
        let Some(node) = node else {
            return Expr::nil(at);
        };
        let mut body: Vec<Expr> = node.body().iter().map(|node| self.expr(&node)).collect();
        match (body.len(), body.pop()) {
            (1, Some(only)) => only,
            (_, Some(last)) => {
                body.push(last);
                Expr { kind: Kind::Seq(body), at }
            }
            (_, None) => Expr::nil(at),
        }
    }

    fn literal(&mut self, node: &Node<'_>) -> Option<Kind> {
        let location = node.location();
        Some(match node {
            Node::IntegerNode { .. } => match integer(&node.as_integer_node()?.value()) {
                Some(value) => Kind::Int(value),
                None => self.unsupported("an integer beyond 64 bits", &location).kind,
            },
            Node::FloatNode { .. } => Kind::Float(node.as_float_node()?.value()),
            Node::StringNode { .. } => {
                Kind::Str(self.text(node.as_string_node()?.unescaped(), &location))
            }
            Node::SymbolNode { .. } => {
                Kind::Sym(self.text(node.as_symbol_node()?.unescaped(), &location))
            }
            Node::InterpolatedStringNode { .. } => {
                Kind::Join(self.parts(&node.as_interpolated_string_node()?.parts()))
            }
            Node::InterpolatedSymbolNode { .. } => {
                Kind::JoinSym(self.parts(&node.as_interpolated_symbol_node()?.parts()))
            }
            Node::RegularExpressionNode { .. } => {
                let regex = node.as_regular_expression_node()?;
                let flags = regex::flags(
                    regex.is_ignore_case(),
                    regex.is_extended(),
                    regex.is_multi_line(),
                );
                let source = self.text(regex.unescaped(), &location);
                match regex::Regex::new(&source, flags) {
                    Ok(regex) => Kind::Regex(Arc::new(regex)),
                    Err(message) => {
                        self.problem(format!("this regular expression: {message}"), &location);
                        Kind::Nil
                    }
                }
            }
            Node::InterpolatedRegularExpressionNode { .. } => {
                let regex = node.as_interpolated_regular_expression_node()?;
                let flags = regex::flags(
                    regex.is_ignore_case(),
                    regex.is_extended(),
                    regex.is_multi_line(),
                );
                Kind::JoinRegex(self.parts(&regex.parts()), flags)
            }
            Node::ArrayNode { .. } => Kind::Array(self.args(&node.as_array_node()?.elements())),
            Node::HashNode { .. } => Kind::Hash(self.pairs(&node.as_hash_node()?.elements())),
            Node::KeywordHashNode { .. } => {
                Kind::Hash(self.pairs(&node.as_keyword_hash_node()?.elements()))
            }
            Node::RangeNode { .. } => {
                let range = node.as_range_node()?;
                Kind::Range {
                    from: range.left().map(|node| self.boxed(&node)),
                    to: range.right().map(|node| self.boxed(&node)),
                    exclusive: range.is_exclude_end(),
                }
            }
            Node::SourceLineNode { .. } => {
                Kind::Int(i64::from(self.places.find(location.start()).0))
            }
            _ => return None,
        })
    }

    fn text(&mut self, bytes: &[u8], location: &ruby_prism::Location<'_>) -> Arc<str> {
        match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => {
                self.problem("a string that is not UTF-8 is not supported", location);
                "".into()
            }
        }
    }

    fn parts(&mut self, parts: &NodeList<'_>) -> Vec<Expr> {
        parts.iter().map(|part| self.part(&part)).collect()
    }

    fn part(&mut self, part: &Node<'_>) -> Expr {
        let at = part.location().start();
        if let Some(embedded) = part.as_embedded_statements_node() {
            return self.statements(embedded.statements().as_ref(), at);
        }
        if let Some(embedded) = part.as_embedded_variable_node() {
            return self.expr(&embedded.variable());
        }
        self.expr(part)
    }

    pub(super) fn args(&mut self, list: &NodeList<'_>) -> Vec<Arg> {
        let mut args = Vec::new();
        for node in list {
            let splat = node.as_splat_node().and_then(|splat| splat.expression());
            match splat {
                Some(expression) => args.push(Arg::Splat(self.expr(&expression))),
                None if node.as_splat_node().is_some() => {
                    let expr = self.unsupported("a nameless splat", &node.location());
                    args.push(Arg::One(expr));
                }
                None => args.push(Arg::One(self.expr(&node))),
            }
        }
        args
    }

    fn pairs(&mut self, list: &NodeList<'_>) -> Vec<Pair> {
        let mut pairs = Vec::new();
        for node in list {
            if let Some(pair) = node.as_assoc_node() {
                pairs.push(Pair::One(self.expr(&pair.key()), self.expr(&pair.value())));
            } else if let Some(value) = node.as_assoc_splat_node().and_then(|splat| splat.value()) {
                pairs.push(Pair::Splat(self.expr(&value)));
            } else {
                self.unsupported("this hash element", &node.location());
            }
        }
        pairs
    }

    /// Finds the slot of a local variable.
    pub(super) fn slot(&self, name: &str, depth: u32) -> Slot {
        let scope = self.scopes.len().checked_sub(1 + depth as usize);
        let names = scope.and_then(|scope| self.scopes.get(scope));
        let index = names.and_then(|names| names.iter().position(|known| known == name));
        Slot { index: index.unwrap_or(0), depth }
    }

    fn variable(&mut self, node: &Node<'_>) -> Option<Kind> {
        Some(match node {
            Node::LocalVariableReadNode { .. } => {
                let local = node.as_local_variable_read_node()?;
                Kind::Local(self.slot(&name(&local.name()), local.depth()))
            }
            Node::ItLocalVariableReadNode { .. } => Kind::Local(self.slot("it", 0)),
            Node::LocalVariableWriteNode { .. } => {
                let local = node.as_local_variable_write_node()?;
                let target = Target::Local(self.slot(&name(&local.name()), local.depth()));
                Kind::Assign(Box::new(target), self.boxed(&local.value()))
            }
            Node::InstanceVariableReadNode { .. } => {
                Kind::Variable(variable(&node.as_instance_variable_read_node()?.name()))
            }
            Node::InstanceVariableWriteNode { .. } => {
                let write = node.as_instance_variable_write_node()?;
                let target = Target::Variable(variable(&write.name()));
                Kind::Assign(Box::new(target), self.boxed(&write.value()))
            }
            Node::NumberedReferenceReadNode { .. } => {
                Kind::Group(node.as_numbered_reference_read_node()?.number() as usize)
            }
            Node::BackReferenceReadNode { .. } => {
                let method = match name(&node.as_back_reference_read_node()?.name()).as_str() {
                    "$&" => "to_s",
                    "$`" => "pre_match",
                    "$'" => "post_match",
                    _ => return None,
                };
                self.of_last_match(method, node.location().start())
            }
            Node::GlobalVariableReadNode { .. }
                if name(&node.as_global_variable_read_node()?.name()) == "$~" =>
            {
                Kind::Group(usize::MAX)
            }
            Node::GlobalVariableReadNode { .. }
                if name(&node.as_global_variable_read_node()?.name()) == "$!" =>
            {
                Kind::Handled
            }
            Node::ConstantReadNode { .. } | Node::ConstantPathNode { .. } => self.constant(node),
            Node::ConstantWriteNode { .. } => {
                let write = node.as_constant_write_node()?;
                let constant = name(&write.name());
                let value = self.boxed(&write.value());
                self.constants.push(constant.clone());
                Kind::Assign(Box::new(Target::Constant(constant.into())), value)
            }
            _ => return self.update(node),
        })
    }

    /// Returns what a method of `$~` gives; nil without a match.
    fn of_last_match(&self, method: &str, at: u32) -> Kind {
        Kind::Call(Box::new(Call {
            receiver: Some(Expr { kind: Kind::Group(usize::MAX), at }),
            name: method.into(),
            args: Vec::new(),
            keywords: false,
            block: None,
            safe: true,
            bare: false,
        }))
    }

    /// Converts `||=`, `&&=` and `op=` on variables.
    fn update(&mut self, node: &Node<'_>) -> Option<Kind> {
        let (target, operator, value) = match node {
            Node::LocalVariableOrWriteNode { .. } => {
                let write = node.as_local_variable_or_write_node()?;
                let slot = self.slot(&name(&write.name()), write.depth());
                (Target::Local(slot), Operator::Or, write.value())
            }
            Node::LocalVariableAndWriteNode { .. } => {
                let write = node.as_local_variable_and_write_node()?;
                let slot = self.slot(&name(&write.name()), write.depth());
                (Target::Local(slot), Operator::And, write.value())
            }
            Node::LocalVariableOperatorWriteNode { .. } => {
                let write = node.as_local_variable_operator_write_node()?;
                let slot = self.slot(&name(&write.name()), write.depth());
                let operator = Operator::Method(name(&write.binary_operator()).into());
                (Target::Local(slot), operator, write.value())
            }
            Node::InstanceVariableOrWriteNode { .. } => {
                let write = node.as_instance_variable_or_write_node()?;
                (Target::Variable(variable(&write.name())), Operator::Or, write.value())
            }
            Node::InstanceVariableAndWriteNode { .. } => {
                let write = node.as_instance_variable_and_write_node()?;
                (Target::Variable(variable(&write.name())), Operator::And, write.value())
            }
            Node::InstanceVariableOperatorWriteNode { .. } => {
                let write = node.as_instance_variable_operator_write_node()?;
                let operator = Operator::Method(name(&write.binary_operator()).into());
                (Target::Variable(variable(&write.name())), operator, write.value())
            }
            _ => return None,
        };
        Some(Kind::Update(Box::new(target), operator, self.boxed(&value)))
    }

    fn constant(&mut self, node: &Node<'_>) -> Kind {
        let path =
            String::from_utf8_lossy(node.location().as_slice()).replace(char::is_whitespace, "");
        let path = path.trim_start_matches("::");
        if let Some(class) = constants::class(path) {
            return Kind::Class(class);
        }
        if constants::value(path).is_some() || self.constants.iter().any(|known| known == path) {
            return Kind::Constant(path.into());
        }
        self.unsupported(&format!("the constant {path}"), &node.location()).kind
    }
}

fn variable(id: &ruby_prism::ConstantId<'_>) -> Arc<str> {
    name(id).trim_start_matches('@').into()
}

fn integer(value: &Integer<'_>) -> Option<i64> {
    let (negative, digits) = value.to_u32_digits();
    let mut total: i128 = 0;
    for &digit in digits.iter().rev() {
        total = total.checked_mul(1 << 32)?.checked_add(i128::from(digit))?;
        if total > 1 << 64 {
            return None;
        }
    }
    i64::try_from(if negative { -total } else { total }).ok()
}
