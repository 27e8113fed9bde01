//! What a definition refers to besides itself: routines that nodes call, handlers that the space
//! defines, operations of connections.
//!
//! These mistakes come and go with what is referred to. Whoever saves, renames or deletes it has
//! the trees that name it checked again, so that the mistakes listed are those of now.

use crate::actor::Actor;
use crate::check::{external_nodes, nearest};
use crate::definition::{self, Definition, Field, Format};
use crate::error::{Error, Result};
use crate::plan::{Plan, at, is_external, is_routine};
use crate::{Workflows, connections};
use model::external_handler::ExternalHandler;
use model::id::SpaceId;
use model::tree::{Problem, Tree};
use runtime::changes::Topic;
use std::collections::HashMap;
use store::trees::{self, Version};
use store::{Tx, external_handlers};

/// What a routine declares.
pub(crate) struct Interface {
    inputs: Vec<Field>,
    outputs: Vec<Field>,
}

impl Workflows {
    /// Lists the mistakes of a definition without storing it.
    ///
    /// # Errors
    /// `Invalid` when it cannot be read at all.
    pub async fn validate(
        &self,
        actor: &Actor,
        format: Format,
        text: &str,
    ) -> Result<Vec<Problem>> {
        self.check(actor, format, text, "-").await
    }

    /// Reads a definition and lists its mistakes, those about routines that a tree of `source`
    /// calls included.
    pub(crate) async fn check(
        &self,
        actor: &Actor,
        format: Format,
        text: &str,
        source: &str,
    ) -> Result<Vec<Problem>> {
        let document = definition::read(format, text)
            .map_err(|e| Error::Invalid(format!("The tree cannot be read: {e}")))?;
        let definition = document.definition;
        let (space, source) = (actor.space_id.clone(), source.to_owned());
        let called = called(&definition);
        let calls_others = !called.is_empty()
            || definition.nodes.iter().any(|node| is_external(&node.definition_id));
        let known = if calls_others {
            let read = move |tx: &mut Tx| Known::read(tx, &space, &source, &called);
            self.inner.store.read(read).await?
        } else {
            Known::default()
        };
        Ok(mistakes(&definition, &known))
    }

    /// Checks the trees again that call a routine which has just changed.
    pub(crate) async fn recheck_callers(&self, actor: &Actor, routine: &Tree) -> Result<()> {
        let Some(id) = routine.definition_id.clone().filter(|_| routine.kind != "Tree") else {
            return Ok(());
        };
        self.recheck(&actor.space_id, id).await
    }

    /// Checks the trees again that call operations of connections, since one of these moved.
    ///
    /// # Errors
    /// The store's.
    pub async fn recheck_connections(&self, space: &SpaceId) -> Result<()> {
        self.recheck(space, connections::HANDLER.to_owned()).await
    }

    /// Checks the trees again whose definitions hold this text, the id of what has just changed.
    pub(crate) async fn recheck(&self, space: &SpaceId, text: String) -> Result<()> {
        let within = space.clone();
        let callers = self.inner.store.read(move |tx| {
            let mut checked = Vec::new();
            for (tree, version) in trees::mentioning(tx, &within, &text)? {
                let problems = problems_now(tx, &tree, &version)?;
                if problems.as_ref().is_some_and(|found| *found != tree.problems) {
                    checked.push((tree, problems.unwrap_or_default()));
                }
            }
            Ok::<_, Error>(checked)
        });
        let changed: Vec<(Tree, Vec<Problem>)> = callers.await?;
        if changed.is_empty() {
            return Ok(());
        }
        let noted = self.inner.store.write(move |tx| {
            for (tree, problems) in &changed {
                trees::note_problems(tx, tree.version_id, problems)?;
            }
            Ok::<_, Error>(())
        });
        noted.await?;
        self.inner.changes.publish(space, Topic::Trees);
        Ok(())
    }
}

/// The mistakes that a tree has now; `None` when its definition cannot be read.
fn problems_now(tx: &mut Tx, tree: &Tree, version: &Version) -> Result<Option<Vec<Problem>>> {
    let (format, text) = (Format::parse(&version.format), &version.definition);
    let Ok(document) = definition::read(format, text) else { return Ok(None) };
    let definition = document.definition;
    let known = Known::read(tx, &tree.space_id, &tree.source, &called(&definition))?;
    let mut problems = mistakes(&definition, &known);
    let calls = connections::calls(format, text);
    problems.extend(connections::problems(tx, &tree.space_id, &calls)?);
    Ok(Some(problems))
}

/// Definition ids of the routines that a definition calls.
fn called(definition: &Definition) -> Vec<String> {
    let ids = definition.nodes.iter().map(|n| &n.definition_id).filter(|id| is_routine(id));
    let mut ids: Vec<String> = ids.cloned().collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// What a definition may call besides the handlers that come with the server.
#[derive(Default)]
struct Known {
    routines: HashMap<String, Interface>,
    externals: Vec<ExternalHandler>,
}

impl Known {
    fn read(tx: &mut Tx, space: &SpaceId, source: &str, called: &[String]) -> Result<Self> {
        let externals = external_handlers::of_space(tx, space)?;
        Ok(Self { routines: interfaces(tx, space, source, called)?, externals })
    }
}

/// What the routines declare that exist.
fn interfaces(
    tx: &mut Tx,
    space: &SpaceId,
    source: &str,
    called: &[String],
) -> Result<HashMap<String, Interface>> {
    let mut known = HashMap::new();
    for id in called {
        let Some(tree) = trees::called(tx, space, id, source)? else { continue };
        let Some(version) = trees::version(tx, tree.version_id)? else { continue };
        let read = definition::read(Format::parse(&version.format), &version.definition);
        let definition = read.unwrap_or_default().definition;
        let interface = Interface { inputs: definition.inputs, outputs: definition.outputs };
        known.insert(id.clone(), interface);
    }
    Ok(known)
}

/// All mistakes of a definition.
fn mistakes(definition: &Definition, known: &Known) -> Vec<Problem> {
    let (plan, mut problems) = Plan::compile(definition);
    external_nodes(definition, &known.externals, &mut problems);
    let known = &known.routines;
    for node in definition.nodes.iter().filter(|n| is_routine(&n.definition_id)) {
        let id = &node.definition_id;
        let Some(routine) = known.get(id) else {
            let message = format!("The routine {id} does not exist (yet).");
            problems.push(at(&node.id, None, &message));
            continue;
        };
        check_inputs(node, routine, &mut problems);
    }
    check_outputs(&plan, known, &mut problems);
    problems
}

fn check_inputs(node: &definition::Node, routine: &Interface, problems: &mut Vec<Problem>) {
    for input in routine.inputs.iter().filter(|i| i.required && i.default_value.is_empty()) {
        let given = node.parameters.iter().find(|p| p.id == input.name);
        if given.is_none_or(|p| p.value.trim().is_empty()) {
            let place = format!("parameter \"{}\"", input.name);
            let message = "It is a required input of the routine, and blank.";
            problems.push(at(&node.id, Some(&place), message));
        }
    }
    for given in &node.parameters {
        if routine.inputs.iter().any(|input| input.name == given.id) {
            continue;
        }
        let place = format!("parameter \"{}\"", given.id);
        let names = routine.inputs.iter().map(|input| input.name.as_str());
        let message = match nearest(&given.id, names) {
            Some(near) => {
                format!("{} has no such input; did you mean \"{near}\"?", node.definition_id)
            }
            None => format!("{} has no such input.", node.definition_id),
        };
        problems.push(at(&node.id, Some(&place), &message));
    }
}

/// Look-ups of outputs that a routine does not declare.
fn check_outputs(plan: &Plan, known: &HashMap<String, Interface>, problems: &mut Vec<Problem>) {
    crate::check::lookups(plan, &mut |node, place, lookup| {
        let [name, key] = lookup.keys.first_chunk()?;
        let caller = plan.node_named(name)?;
        let routine = known.get(&caller.definition_id).filter(|r| !r.outputs.is_empty())?;
        let is_known = key.parse::<u64>().is_ok()
            || key == crate::step::RUN_ID
            || routine.outputs.iter().any(|output| output.name == *key);
        let names = routine.outputs.iter().map(|output| output.name.as_str());
        let hint = nearest(key, names).map(|near| format!("; did you mean \"{near}\"?"));
        let hint = hint.unwrap_or_else(|| ".".into());
        (!is_known).then(|| Problem {
            line: Some(lookup.line),
            column: Some(lookup.column),
            ..at(
                &node.id,
                Some(place),
                &format!("{} has no output \"{key}\"{hint}", caller.definition_id),
            )
        })
    })
    .into_iter()
    .for_each(|problem| problems.push(problem));
}
