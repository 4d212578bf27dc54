//! Rules to decision trees ([`firewall::forest`]).
use super::lists::Lists;
use super::pools::Pools;
use super::{CompileError, Compiled, linear_body, record};
use crate::policy::Policy;
use crate::progress::{Observer, Phase, Steps};
use firewall::forest::{self, Condition};
use firewall::linear::{Record, Version};
use firewall::table;

mod asked;
mod cut;
mod expand;
mod grow;
mod join;
mod region;
mod sample;
mod shapes;

use expand::Asked;
use grow::{COPIES, Grown};
use join::join;
use shapes::Shapes;
use std::collections::BTreeMap;

/// A rule that would take more conditions than this stands in the list.
const MOST: usize = 64;
/// All rules together take no more conditions than so many for IPv4, and so many for IPv6, or [`MOST_EACH`] a rule.
const MOST_OF: [usize; 2] = [1 << 20, 1 << 16];
const MOST_EACH: usize = 4;

/// A policy as trees, with a list for the rules that would take too many conditions. Whether shapes had better share trees is
/// tried where there is `time` for it.
pub(super) fn compile(
    policy: &Policy,
    lists: &mut Lists,
    time: bool,
    observer: &mut dyn Observer,
) -> Result<Compiled, CompileError> {
    let mut steps = Steps::new(observer, Phase::CompilingRules, policy.rules.len());
    let failed = |number: usize| move |error| CompileError::Rule(number, error);
    let (mut values, mut records) = (Pools::default(), Vec::with_capacity(policy.rules.len()));
    for (number, rule) in policy.rules.iter().enumerate() {
        records.push(record(rule, &mut values, lists).map_err(failed(number))?);
        steps.add(1);
    }
    if records.len() >= forest::MOST_RULES as usize {
        return Err(CompileError::TooLarge);
    }
    let asked = [Version::V4, Version::V6].map(|version| asked::Bits::of(&records, &values, version));
    let conditions = Conditions::of(&records, &values, &asked);
    let (mut list, mut pools) = (Vec::new(), Pools::default());
    for &number in &conditions.listed {
        let rule = &policy.rules[number as usize];
        list.push(record(rule, &mut pools, lists).map_err(failed(number as usize))?.emit());
    }
    let mut list = linear_body(&list, &pools);
    pad(&mut list);
    let mut body = Vec::new();
    for number in [conditions.listed.len(), list.len()] {
        body.extend(u32::try_from(number).map_err(|_| CompileError::TooLarge)?.to_le_bytes());
    }
    conditions.listed.iter().for_each(|number| body.extend(number.to_le_bytes()));
    body.extend(list);
    body.extend(policy.rules.iter().map(|rule| table::emit_action(rule.action.into())));
    pad(&mut body);
    asked.iter().for_each(|asked| asked.emit(&mut body));
    let mut steps = Steps::new(observer, Phase::GrowingTrees, conditions.v4.len() + conditions.v6.len());
    emit_trees(&grown(&conditions.v4, time, &mut steps), &mut body)?;
    emit_trees(&grown(&conditions.v6, time, &mut steps), &mut body)?;
    Ok(Compiled { engine: table::engine::FOREST, body })
}

/// The conditions of all rules, in their order, and the rules that the trees don't hold.
#[derive(Default)]
struct Conditions {
    v4: Vec<Condition<1>>,
    v6: Vec<Condition<4>>,
    listed: Vec<u32>,
}

impl Conditions {
    /// Of rules whose values are in the pools.
    fn of(rules: &[Record], pools: &Pools, lists: &[asked::Bits; 2]) -> Self {
        let asked = |rule: &Record| -> Option<[Option<Asked>; 2]> {
            let mut both = [None, None];
            for ((own, version), lists) in both.iter_mut().zip([Version::V4, Version::V6]).zip(lists) {
                if rule.version.is_none_or(|asked| asked == version) {
                    *own = Some(Asked::of(rule, pools, version, lists)?);
                }
            }
            Some(both)
        };
        let asked: Vec<_> = rules.iter().map(asked).collect();
        let count = |asked: &Option<Asked>| asked.as_ref().map_or(0, Asked::count);
        let counts: Vec<[usize; 2]> = asked
            .iter()
            .map(|asked| asked.as_ref().map_or([usize::MAX; 2], |both| both.each_ref().map(count)))
            .collect();
        let most = most(&counts);
        let mut conditions = Self::default();
        for ((number, rule), (asked, count)) in (0..).zip(rules).zip(asked.into_iter().zip(counts)) {
            match asked {
                Some([v4, v6]) if count.iter().all(|count| *count <= most) => {
                    v4.into_iter().for_each(|asked| conditions.v4.extend(asked.v4(number, rule)));
                    v6.into_iter().for_each(|asked| conditions.v6.extend(asked.v6(number, rule)));
                }
                _ => conditions.listed.push(number),
            }
        }
        conditions
    }
}

/// How many conditions a rule may take for one version of IP so that all together are not too many.
fn most(counts: &[[usize; 2]]) -> usize {
    let fits = |most: usize| {
        let held = || counts.iter().filter(|counts| counts.iter().all(|count| *count <= most));
        let sum = |version: usize| held().map(|counts| counts[version]).sum::<usize>();
        (0..2).all(|version| sum(version) <= MOST_OF[version].max(counts.len().saturating_mul(MOST_EACH)))
    };
    let mut most = MOST;
    while most > 1 && !fits(most) {
        most /= 2;
    }
    most
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}

/// Trees for conditions, those with the first rules first.
fn grown<const W: usize>(conditions: &[Condition<W>], time: bool, steps: &mut Steps) -> Grown<W> {
    let shapes = Shapes::of(conditions);
    let mut trees = BTreeMap::<u8, Vec<Condition<W>>>::new();
    for condition in conditions {
        trees.entry(shapes.of_one(condition)).or_default().push(*condition);
    }
    let mut trees = join(trees.into_values().collect(), time);
    trees.sort_by_key(|tree| tree.first().map(|first| first.answer));
    let mut grown = Grown::new(trees.len(), COPIES);
    for (number, tree) in trees.iter().enumerate() {
        grown.add_tree(number, tree);
        steps.add(tree.len());
    }
    grown
}

fn emit_trees<const W: usize>(grown: &Grown<W>, body: &mut Vec<u8>) -> Result<(), CompileError> {
    let (groups, _) = grown.conditions.as_chunks::<{ forest::GROUP }>();
    for number in [grown.roots.len(), grown.slots.len(), groups.len(), 0] {
        body.extend(u32::try_from(number).map_err(|_| CompileError::TooLarge)?.to_le_bytes());
    }
    grown.roots.iter().for_each(|root| body.extend(root.emit()));
    for (number, node) in (0..).zip(&grown.slots) {
        body.extend(node.emit(number, W).as_flattened());
    }
    groups.iter().for_each(|group| Condition::emit_group(group, body));
    grown.conditions.iter().for_each(|condition| body.extend(condition.answer.to_le_bytes()));
    Ok(())
}
