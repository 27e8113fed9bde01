//! What a text defines itself: its helper methods, found before the conversion so that a call may
//! stand before its `def`.

use ruby_prism::{DefNode, Node, Visit};

struct Finder(Vec<String>);

impl<'pr> Visit<'pr> for Finder {
    fn visit_def_node(&mut self, node: &DefNode<'pr>) {
        self.0.push(super::name(&node.name()));
        ruby_prism::visit_def_node(self, node);
    }
}

/// Returns the names of all methods that the text defines. A text without the word is not walked.
pub(super) fn definitions(source: &[u8], program: &Node<'_>) -> Vec<String> {
    let mut finder = Finder(Vec::new());
    if source.windows(4).any(|window| window == b"def ") {
        finder.visit(program);
    }
    finder.0
}
