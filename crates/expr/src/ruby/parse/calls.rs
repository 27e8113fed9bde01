//! Conversion of calls, blocks, definitions and compound assignments through calls.

use std::sync::Arc;

use ruby_prism::{ArgumentsNode, CallNode, Location, Node, ParametersNode};

use super::super::ast::{
    Arg, Block, BlockArg, Call, Def, Expr, Keyword, Kind, Operator, Param, Params, Target,
};
use super::super::{erb, methods};
use super::{Converter, name, names};

impl Converter<'_> {
    pub(super) fn call_like(&mut self, node: &Node<'_>) -> Option<Kind> {
        Some(match node {
            Node::CallNode { .. } => self.call(&node.as_call_node()?),
            Node::LambdaNode { .. } => {
                let lambda = node.as_lambda_node()?;
                let locals = names(&lambda.locals());
                let parameters = lambda.parameters();
                Kind::Lambda(Box::new(self.block(
                    locals,
                    parameters.as_ref(),
                    lambda.body().as_ref(),
                    node.location().start(),
                )))
            }
            Node::DefNode { .. } => {
                let def = node.as_def_node()?;
                if def.receiver().is_some_and(|receiver| receiver.as_self_node().is_none()) {
                    return Some(self.unsupported("a singleton method", &node.location()).kind);
                }
                self.def(node)?
            }
            Node::MatchWriteNode { .. } => {
                let write = node.as_match_write_node()?;
                self.match_write(&write.call(), &write.targets())
            }
            Node::IndexOrWriteNode { .. } => {
                let write = node.as_index_or_write_node()?;
                let receiver = write.receiver();
                let target = self.index(receiver.as_ref(), write.arguments().as_ref(), node)?;
                Kind::Update(Box::new(target), Operator::Or, self.boxed(&write.value()))
            }
            Node::IndexAndWriteNode { .. } => {
                let write = node.as_index_and_write_node()?;
                let receiver = write.receiver();
                let target = self.index(receiver.as_ref(), write.arguments().as_ref(), node)?;
                Kind::Update(Box::new(target), Operator::And, self.boxed(&write.value()))
            }
            Node::IndexOperatorWriteNode { .. } => {
                let write = node.as_index_operator_write_node()?;
                let receiver = write.receiver();
                let target = self.index(receiver.as_ref(), write.arguments().as_ref(), node)?;
                let operator = Operator::Method(name(&write.binary_operator()).into());
                Kind::Update(Box::new(target), operator, self.boxed(&write.value()))
            }
            _ => return None,
        })
    }

    fn index(
        &mut self,
        receiver: Option<&Node<'_>>,
        arguments: Option<&ArgumentsNode<'_>>,
        node: &Node<'_>,
    ) -> Option<Target> {
        let receiver = self.expr(receiver?);
        let args = match arguments {
            Some(arguments) => self.args(&arguments.arguments()),
            None => Vec::new(),
        };
        Some(Target::Index { receiver, args, at: node.location().start() })
    }

    fn call(&mut self, node: &CallNode<'_>) -> Kind {
        let method = name(&node.name());
        let location = node.message_loc().unwrap_or_else(|| node.location());
        if let Some(kind) = self.erb_call(node, &method) {
            return kind;
        }
        let arguments = node.arguments();
        if node.is_attribute_write()
            && let Some(kind) = self.attribute_write(node, &method)
        {
            return kind;
        }
        let Some(receiver) = node.receiver() else {
            self.check_function(node, &method, &location);
            let (args, keywords) = self.call_args(arguments.as_ref());
            let block = self.block_arg(node.block().as_ref());
            let bare = node.is_variable_call();
            let name = method.into();
            let safe = false;
            return Kind::Call(Box::new(Call {
                receiver: None,
                name,
                args,
                keywords,
                block,
                safe,
                bare,
            }));
        };
        if arguments.is_none() && node.block().is_none() && method == "!" {
            return Kind::Not(self.boxed(&receiver));
        }
        if !methods::is_known(&method) && !self.defs.contains(&method) {
            self.problem(format!("the method `{method}` is not supported"), &location);
        }
        let receiver = Some(self.expr(&receiver));
        let (args, keywords) = self.call_args(arguments.as_ref());
        let block = self.block_arg(node.block().as_ref());
        let safe = node.is_safe_navigation();
        let name: Arc<str> = method.into();
        Kind::Call(Box::new(Call { receiver, name, args, keywords, block, safe, bare: false }))
    }

    /// Notes a call without receiver to something that nobody defines.
    fn check_function(&mut self, node: &CallNode<'_>, method: &str, location: &Location<'_>) {
        if methods::is_function(method) || self.defs.iter().any(|def| def == method) {
            return;
        }
        let message = if node.is_variable_call() {
            format!("`{method}` is neither a variable nor a method here")
        } else {
            format!("the method `{method}` is not supported")
        };
        self.problem(message, location);
    }

    /// Recognises what the template compiler put in for literal texts and `<%= %>` tags.
    fn erb_call(&mut self, node: &CallNode<'_>, method: &str) -> Option<Kind> {
        if node.receiver().is_some() {
            return None;
        }
        let argument = || node.arguments().and_then(|arguments| arguments.arguments().first());
        match method {
            erb::TEXT => {
                let argument = argument()?;
                let digits = argument.location().as_slice();
                let number: usize = std::str::from_utf8(digits).ok()?.parse().ok()?;
                Some(Kind::Text(self.texts.get(number)?.as_str().into()))
            }
            erb::OUTPUT => Some(Kind::Output(self.boxed(&argument()?))),
            _ => None,
        }
    }

    fn attribute_write(&mut self, node: &CallNode<'_>, method: &str) -> Option<Kind> {
        let receiver = self.expr(&node.receiver()?);
        let list = node.arguments()?.arguments();
        let value = self.boxed(&list.last()?);
        let at = node.location().start();
        let target = if method == "[]=" {
            let mut args = Vec::new();
            for node in list.iter().take(list.len().saturating_sub(1)) {
                args.push(Arg::One(self.expr(&node)));
            }
            Target::Index { receiver, args, at }
        } else {
            let attribute = method.trim_end_matches('=');
            if !methods::is_known(method) {
                self.problem(
                    format!("the method `{method}` is not supported"),
                    &node.message_loc().unwrap_or_else(|| node.location()),
                );
            }
            let safe = node.is_safe_navigation();
            Target::Attribute { receiver, name: attribute.into(), safe, at }
        };
        Some(Kind::Assign(Box::new(target), value))
    }

    fn call_args(&mut self, arguments: Option<&ArgumentsNode<'_>>) -> (Vec<Arg>, bool) {
        let Some(arguments) = arguments else {
            return (Vec::new(), false);
        };
        let list = arguments.arguments();
        let keywords = list.last().is_some_and(|last| last.as_keyword_hash_node().is_some());
        (self.args(&list), keywords)
    }

    fn block_arg(&mut self, node: Option<&Node<'_>>) -> Option<BlockArg> {
        let node = node?;
        if let Some(pass) = node.as_block_argument_node() {
            return Some(match pass.expression() {
                Some(expression) => BlockArg::Pass(self.boxed(&expression)),
                None => BlockArg::Forward,
            });
        }
        let block = node.as_block_node()?;
        let parameters = block.parameters();
        Some(BlockArg::Block(Box::new(self.block(
            names(&block.locals()),
            parameters.as_ref(),
            block.body().as_ref(),
            node.location().start(),
        ))))
    }

    fn block(
        &mut self,
        mut locals: Vec<String>,
        parameters: Option<&Node<'_>>,
        body: Option<&Node<'_>>,
        at: u32,
    ) -> Block {
        let numbered = parameters.and_then(Node::as_numbered_parameters_node);
        let it = parameters.and_then(Node::as_it_parameters_node).is_some();
        if it {
            locals.push("it".to_owned());
        }
        self.scopes.push(locals);
        let mut params = Params::default();
        if let Some(list) = parameters.and_then(Node::as_block_parameters_node) {
            if let Some(list) = list.parameters() {
                params = self.params(&list);
            }
        } else if let Some(numbered) = numbered {
            for number in 1..=numbered.maximum() {
                params.required.push(Param::Slot(self.slot(&format!("_{number}"), 0).index));
            }
        } else if it {
            params.required.push(Param::Slot(self.slot("it", 0).index));
        }
        let body = self.in_loop(false, |this| match body {
            Some(body) => this.expr(body),
            None => Expr::nil(at),
        });
        let slots = self.scopes.pop().map_or(0, |scope| scope.len());
        Block { params, slots, body }
    }

    fn def(&mut self, node: &Node<'_>) -> Option<Kind> {
        let def = node.as_def_node()?;
        let at = node.location().start();
        self.scopes.push(names(&def.locals()));
        let params = match def.parameters() {
            Some(list) => self.params(&list),
            None => Params::default(),
        };
        let body = self.in_loop(false, |this| match def.body() {
            Some(body) => this.expr(&body),
            None => Expr::nil(at),
        });
        let slots = self.scopes.pop().map_or(0, |scope| scope.len());
        let block = Block { params, slots, body };
        Some(Kind::Def(Box::new(Def { name: name(&def.name()).into(), block })))
    }

    fn params(&mut self, node: &ParametersNode<'_>) -> Params {
        let mut params = Params {
            required: node.requireds().iter().filter_map(|node| self.param(&node)).collect(),
            post: node.posts().iter().filter_map(|node| self.param(&node)).collect(),
            ..Params::default()
        };
        for node in &node.optionals() {
            if let Some(optional) = node.as_optional_parameter_node() {
                let slot = self.slot(&name(&optional.name()), 0).index;
                params.optional.push((slot, self.expr(&optional.value())));
            }
        }
        if let Some(rest) = node.rest() {
            params.excess_comma = rest.as_implicit_rest_node().is_some();
            if let Some(rest) = rest.as_rest_parameter_node() {
                params.rest = Some(rest.name().map(|id| self.slot(&name(&id), 0).index));
            }
        }
        for node in &node.keywords() {
            if let Some(keyword) = node.as_required_keyword_parameter_node() {
                let word = name(&keyword.name());
                let slot = self.slot(&word, 0).index;
                params.keywords.push(Keyword { name: word.into(), slot, default: None });
            } else if let Some(keyword) = node.as_optional_keyword_parameter_node() {
                let word = name(&keyword.name());
                let slot = self.slot(&word, 0).index;
                let default = Some(self.expr(&keyword.value()));
                params.keywords.push(Keyword { name: word.into(), slot, default });
            }
        }
        if let Some(rest) = node.keyword_rest() {
            match rest.as_keyword_rest_parameter_node() {
                Some(rest) => {
                    let slot = rest.name().map(|id| self.slot(&name(&id), 0).index);
                    params.keyword_rest = Some(slot);
                }
                None => {
                    self.unsupported("this parameter", &rest.location());
                }
            }
        }
        let block = node.block().and_then(|node| node.as_block_parameter_node());
        params.block =
            block.and_then(|block| block.name()).map(|id| self.slot(&name(&id), 0).index);
        params
    }

    fn param(&mut self, node: &Node<'_>) -> Option<Param> {
        if let Some(parameter) = node.as_required_parameter_node() {
            return Some(Param::Slot(self.slot(&name(&parameter.name()), 0).index));
        }
        match self.target(node)? {
            Target::Nested(targets) => Some(Param::Nested(targets)),
            _ => None,
        }
    }

    /// Converts `/(?<name>…)/ =~ text`, which assigns the groups to variables.
    fn match_write(&mut self, call: &CallNode<'_>, targets: &ruby_prism::NodeList<'_>) -> Kind {
        let at = call.location().start();
        let mut steps = vec![Expr { kind: self.call(call), at }];
        for node in targets {
            let Some(local) = node.as_local_variable_target_node() else {
                continue;
            };
            let group = name(&local.name());
            let target = Target::Local(self.slot(&group, local.depth()));
            let found = Expr { kind: Kind::Group(usize::MAX), at };
            let call = Call {
                receiver: Some(found),
                name: "[]".into(),
                args: vec![Arg::One(Expr { kind: Kind::Str(group.into()), at })],
                keywords: false,
                block: None,
                safe: true,
                bare: false,
            };
            let value = Expr { kind: Kind::Call(Box::new(call)), at };
            steps.push(Expr { kind: Kind::Assign(Box::new(target), Box::new(value)), at });
        }
        // The value is the position of the match, which the first step has.
        let position = Expr { kind: Kind::Group(usize::MAX - 1), at };
        steps.push(position);
        Kind::Seq(steps)
    }
}
