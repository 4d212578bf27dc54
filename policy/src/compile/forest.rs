//! Long lists of rules to decision trees ([`firewall::forest`]).
use super::lists::Lists;
use super::pools::Pools;
use super::{CompileError, Compiled, linear_body, record};
use crate::policy::Policy;
use crate::progress::{Observer, Phase, Steps};
use firewall::forest::{self, Condition};
use firewall::table;

mod bits;
mod expand;
mod grow;
mod region;
mod shapes;

use expand::Conditions;
use grow::Grown;
use shapes::Shapes;
use std::collections::BTreeMap;

/// A policy as trees, with a list for the rules that would take too many conditions.
pub(super) fn compile(
    policy: &Policy,
    lists: &mut Lists,
    observer: &mut dyn Observer,
) -> Result<Compiled, CompileError> {
    let mut steps = Steps::new(observer, Phase::CompilingRules, policy.rules.len());
    let (mut conditions, mut values) = (Conditions::default(), Pools::default());
    let (mut numbers, mut records, mut pools) = (Vec::new(), Vec::new(), Pools::default());
    for (number, rule) in (0..).zip(&policy.rules) {
        let failed = |error| CompileError::Rule(number as usize, error);
        let asked = record(rule, &mut values, lists).map_err(failed)?;
        if !conditions.add(number, &asked, &values) {
            records.push(record(rule, &mut pools, lists).map_err(failed)?.emit());
            numbers.push(number);
        }
        steps.add(1);
    }
    let mut list = linear_body(&records, &pools);
    pad(&mut list);
    let mut body = Vec::new();
    for number in [numbers.len(), list.len()] {
        body.extend(u32::try_from(number).map_err(|_| CompileError::TooLarge)?.to_le_bytes());
    }
    numbers.iter().for_each(|number: &u32| body.extend(number.to_le_bytes()));
    body.extend(list);
    body.extend(policy.rules.iter().map(|rule| table::emit_action(rule.action.into())));
    pad(&mut body);
    let mut steps = Steps::new(observer, Phase::GrowingTrees, conditions.v4.len() + conditions.v6.len());
    emit_trees(&grown(&conditions.v4, &mut steps), &mut body)?;
    emit_trees(&grown(&conditions.v6, &mut steps), &mut body)?;
    Ok(Compiled { engine: table::engine::FOREST, body })
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// Trees for conditions, those with the first rules first.
fn grown<const W: usize>(conditions: &[Condition<W>], steps: &mut Steps) -> Grown<W> {
    let shapes = Shapes::of(conditions);
    let mut trees = BTreeMap::<u8, Vec<Condition<W>>>::new();
    for condition in conditions {
        trees.entry(shapes.of_one(condition)).or_default().push(*condition);
    }
    let mut trees: Vec<_> = trees.into_values().collect();
    trees.sort_by_key(|tree| tree.first().map(|first| first.rule));
    let mut grown = Grown::default();
    for tree in &trees {
        grown.add_tree(tree);
        steps.add(tree.len());
    }
    grown
}

fn emit_trees<const W: usize>(grown: &Grown<W>, body: &mut Vec<u8>) -> Result<(), CompileError> {
    let groups = grown.conditions.len() / forest::GROUP;
    for number in [grown.roots.len(), grown.slots.len(), groups, 0] {
        body.extend(u32::try_from(number).map_err(|_| CompileError::TooLarge)?.to_le_bytes());
    }
    for root in &grown.roots {
        body.extend(forest::emit_root(root.node.emit(), root.first_rule, root.worst).as_flattened());
    }
    for node in &grown.slots {
        body.extend(node.emit().as_flattened());
    }
    grown.conditions.iter().for_each(|condition| condition.emit(body));
    Ok(())
}
