//! Conversion of control flow, definitions and assignments to several targets.

use ruby_prism::{ArgumentsNode, BeginNode, ElseNode, Node, NodeList, RescueNode};

use super::super::ast::{Begin, Expr, Kind, Rescue, Target, Targets, When};
use super::{Converter, name};

impl Converter<'_> {
    pub(super) fn compound(&mut self, node: &Node<'_>) -> Expr {
        let location = node.location();
        let at = location.start();
        let kind = match self.branch(node) {
            Some(kind) => Some(kind),
            None => match self.jump(node) {
                Some(kind) => Some(kind),
                None => self.call_like(node),
            },
        };
        match kind {
            Some(kind) => Expr { kind, at },
            None => {
                let construct = construct(node);
                self.unsupported(&construct, &location)
            }
        }
    }

    fn branch(&mut self, node: &Node<'_>) -> Option<Kind> {
        let at = node.location().start();
        Some(match node {
            Node::AndNode { .. } => {
                let and = node.as_and_node()?;
                Kind::And(self.boxed(&and.left()), self.boxed(&and.right()))
            }
            Node::OrNode { .. } => {
                let or = node.as_or_node()?;
                Kind::Or(self.boxed(&or.left()), self.boxed(&or.right()))
            }
            Node::IfNode { .. } => {
                let branch = node.as_if_node()?;
                let condition = self.boxed(&branch.predicate());
                let then = Box::new(self.statements(branch.statements().as_ref(), at));
                let otherwise = match branch.subsequent() {
                    Some(node) => self.otherwise(&node),
                    None => Expr::nil(at),
                };
                Kind::If { condition, then, otherwise: Box::new(otherwise) }
            }
            Node::UnlessNode { .. } => {
                let branch = node.as_unless_node()?;
                let condition = self.boxed(&branch.predicate());
                let body = Box::new(self.statements(branch.statements().as_ref(), at));
                let otherwise = Box::new(self.else_clause(branch.else_clause().as_ref(), at));
                Kind::If { condition, then: otherwise, otherwise: body }
            }
            Node::WhileNode { .. } => {
                let each = node.as_while_node()?;
                let condition = self.boxed(&each.predicate());
                let body =
                    self.in_loop(true, |this| this.statements(each.statements().as_ref(), at));
                let body_first = each.is_begin_modifier();
                Kind::While { condition, body: Box::new(body), until: false, body_first }
            }
            Node::UntilNode { .. } => {
                let each = node.as_until_node()?;
                let condition = self.boxed(&each.predicate());
                let body =
                    self.in_loop(true, |this| this.statements(each.statements().as_ref(), at));
                let body_first = each.is_begin_modifier();
                Kind::While { condition, body: Box::new(body), until: true, body_first }
            }
            Node::ForNode { .. } => {
                let each = node.as_for_node()?;
                let target = Box::new(self.target(&each.index())?);
                let items = self.boxed(&each.collection());
                let body =
                    self.in_loop(true, |this| this.statements(each.statements().as_ref(), at));
                Kind::For { target, items, body: Box::new(body) }
            }
            Node::CaseNode { .. } => {
                let case = node.as_case_node()?;
                let subject = case.predicate().map(|node| self.boxed(&node));
                let conditions = case.conditions();
                let whens = conditions.iter().filter_map(|node| self.when(&node)).collect();
                let otherwise = Box::new(self.else_clause(case.else_clause().as_ref(), at));
                Kind::Case { subject, whens, otherwise }
            }
            Node::BeginNode { .. } => self.begin(&node.as_begin_node()?),
            Node::RescueModifierNode { .. } => {
                let modifier = node.as_rescue_modifier_node()?;
                let body = self.expr(&modifier.expression());
                let rescued = self.expr(&modifier.rescue_expression());
                let rescue = Rescue { classes: Vec::new(), target: None, body: rescued };
                let rescues = vec![rescue];
                Kind::Begin(Box::new(Begin { body, rescues, otherwise: None, ensure: None }))
            }
            Node::DefinedNode { .. } => {
                // What is not there is the very question, so it is no problem here.
                let known = self.problems.len();
                let value = self.boxed(&node.as_defined_node()?.value());
                if self.problems.len() > known {
                    self.problems.truncate(known);
                    Kind::Nil
                } else {
                    Kind::Defined(value)
                }
            }
            _ => return None,
        })
    }

    fn otherwise(&mut self, node: &Node<'_>) -> Expr {
        match node.as_else_node() {
            Some(clause) => self.statements(clause.statements().as_ref(), node.location().start()),
            None => self.expr(node),
        }
    }

    fn else_clause(&mut self, clause: Option<&ElseNode<'_>>, at: u32) -> Expr {
        self.statements(clause.and_then(ElseNode::statements).as_ref(), at)
    }

    fn when(&mut self, node: &Node<'_>) -> Option<When> {
        let when = node.as_when_node()?;
        let conditions = self.args(&when.conditions());
        let body = self.statements(when.statements().as_ref(), node.location().start());
        Some(When { conditions, body })
    }

    fn begin(&mut self, node: &BeginNode<'_>) -> Kind {
        let at = node.location().start();
        let body = self.statements(node.statements().as_ref(), at);
        let mut rescues = Vec::new();
        let mut clause = node.rescue_clause();
        while let Some(rescue) = clause {
            rescues.push(self.rescue(&rescue));
            clause = rescue.subsequent();
        }
        let otherwise =
            node.else_clause().map(|clause| self.statements(clause.statements().as_ref(), at));
        let ensure =
            node.ensure_clause().map(|clause| self.statements(clause.statements().as_ref(), at));
        Kind::Begin(Box::new(Begin { body, rescues, otherwise, ensure }))
    }

    fn rescue(&mut self, node: &RescueNode<'_>) -> Rescue {
        let classes = self.args(&node.exceptions());
        let target = node.reference().and_then(|node| self.target(&node));
        let body = self.statements(node.statements().as_ref(), node.location().start());
        Rescue { classes, target, body }
    }

    fn jump(&mut self, node: &Node<'_>) -> Option<Kind> {
        let in_loop = self.loops.last().copied();
        Some(match node {
            Node::ReturnNode { .. } => {
                Kind::Return(self.jump_value(node.as_return_node()?.arguments().as_ref()))
            }
            Node::NextNode { .. } => {
                let value = self.jump_value(node.as_next_node()?.arguments().as_ref());
                Kind::Next { value, in_loop: in_loop.unwrap_or(false) }
            }
            Node::BreakNode { .. } => {
                let value = self.jump_value(node.as_break_node()?.arguments().as_ref());
                Kind::Break { value, in_loop: in_loop.unwrap_or(false) }
            }
            Node::RetryNode { .. } => Kind::Retry,
            Node::YieldNode { .. } => match node.as_yield_node()?.arguments() {
                Some(arguments) => Kind::Yield(self.args(&arguments.arguments())),
                None => Kind::Yield(Vec::new()),
            },
            Node::MultiWriteNode { .. } => {
                let write = node.as_multi_write_node()?;
                let value = self.boxed(&write.value());
                let rest = write.rest();
                let targets = self.targets(&write.lefts(), rest.as_ref(), &write.rights());
                Kind::MultiAssign(Box::new(targets), value)
            }
            _ => return None,
        })
    }

    fn jump_value(&mut self, arguments: Option<&ArgumentsNode<'_>>) -> Option<Box<Expr>> {
        let list = arguments?.arguments();
        match (list.len(), list.first()) {
            (1, Some(only)) if only.as_splat_node().is_none() => Some(self.boxed(&only)),
            _ => {
                let at = arguments.map_or(0, |arguments| arguments.location().start());
                let kind = Kind::Array(self.args(&list));
                Some(Box::new(Expr { kind, at }))
            }
        }
    }

    pub(super) fn in_loop<T>(&mut self, is_loop: bool, convert: impl FnOnce(&mut Self) -> T) -> T {
        self.loops.push(is_loop);
        let converted = convert(self);
        self.loops.pop();
        converted
    }

    pub(super) fn targets(
        &mut self,
        before: &NodeList<'_>,
        rest: Option<&Node<'_>>,
        after: &NodeList<'_>,
    ) -> Targets {
        let before = before.iter().filter_map(|node| self.target(&node)).collect();
        let rest = rest.map(|node| {
            let expression = node.as_splat_node().and_then(|splat| splat.expression());
            expression.and_then(|node| self.target(&node)).map(Box::new)
        });
        let after = after.iter().filter_map(|node| self.target(&node)).collect();
        Targets { before, rest, after }
    }

    /// Converts something that is assigned to; notes a problem when it cannot be.
    pub(super) fn target(&mut self, node: &Node<'_>) -> Option<Target> {
        let at = node.location().start();
        if let Some(local) = node.as_local_variable_target_node() {
            return Some(Target::Local(self.slot(&name(&local.name()), local.depth())));
        }
        if let Some(variable) = node.as_instance_variable_target_node() {
            return Some(Target::Variable(name(&variable.name()).trim_start_matches('@').into()));
        }
        if let Some(parameter) = node.as_required_parameter_node() {
            return Some(Target::Local(self.slot(&name(&parameter.name()), 0)));
        }
        if let Some(index) = node.as_index_target_node() {
            let receiver = self.expr(&index.receiver());
            let args = match index.arguments() {
                Some(arguments) => self.args(&arguments.arguments()),
                None => Vec::new(),
            };
            return Some(Target::Index { receiver, args, at });
        }
        if let Some(call) = node.as_call_target_node() {
            let receiver = self.expr(&call.receiver());
            let name = name(&call.name()).into();
            return Some(Target::Attribute { receiver, name, safe: call.is_safe_navigation(), at });
        }
        if let Some(nested) = node.as_multi_target_node() {
            let rest = nested.rest();
            let targets = self.targets(&nested.lefts(), rest.as_ref(), &nested.rights());
            return Some(Target::Nested(targets));
        }
        self.unsupported("an assignment to this", &node.location());
        None
    }
}

/// Names a construct in a person's words.
fn construct(node: &Node<'_>) -> String {
    match node {
        Node::ClassNode { .. } | Node::SingletonClassNode { .. } => "a class definition",
        Node::ModuleNode { .. } => "a module definition",
        Node::GlobalVariableReadNode { .. }
        | Node::GlobalVariableWriteNode { .. }
        | Node::GlobalVariableOrWriteNode { .. }
        | Node::GlobalVariableOperatorWriteNode { .. } => "a global variable",
        Node::ClassVariableReadNode { .. } | Node::ClassVariableWriteNode { .. } => {
            "a class variable"
        }
        Node::XStringNode { .. } | Node::InterpolatedXStringNode { .. } => "a shell command",
        Node::CaseMatchNode { .. } | Node::MatchPredicateNode { .. } => "pattern matching (in)",
        Node::MatchRequiredNode { .. } => "pattern matching (=>)",
        Node::FlipFlopNode { .. } => "a flip-flop",
        Node::RationalNode { .. } => "a rational literal",
        Node::ImaginaryNode { .. } => "an imaginary literal",
        Node::RedoNode { .. } => "redo",
        Node::SuperNode { .. } | Node::ForwardingSuperNode { .. } => "super",
        Node::AliasMethodNode { .. } | Node::AliasGlobalVariableNode { .. } => "alias",
        Node::UndefNode { .. } => "undef",
        Node::PreExecutionNode { .. } | Node::PostExecutionNode { .. } => "BEGIN or END",
        Node::SourceFileNode { .. } => "__FILE__",
        Node::SourceEncodingNode { .. } => "__ENCODING__",
        Node::MatchLastLineNode { .. } | Node::InterpolatedMatchLastLineNode { .. } => {
            "a bare regular expression as condition"
        }
        _ => {
            let source = String::from_utf8_lossy(node.location().as_slice()).into_owned();
            let short: String = source.chars().take(40).collect();
            return format!("`{short}`");
        }
    }
    .to_owned()
}
