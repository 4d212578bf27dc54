//! Which rules a target gets: those of the policy one by one, where it can say them, or regions of what is let in or kept out.
use super::block::Block;
use super::goal::{Goal, of_protocol, only, others, transport};
use super::target::{Ability, NAMED, Protocols};
use crate::policy::{Action, Policy};
use crate::space::field::Field;
use crate::space::{Set, Space, TooLarge};
use firewall::protocol;

/// No more regions than this are looked for.
const MOST_REGIONS: usize = 500;

/// Other ways to say what is to be let in, the plainest first. Each must be proved.
pub(super) fn by_regions(
    space: &mut Space,
    goal: &Goal,
    wanted: Set,
    ability: Ability,
) -> Result<Vec<Vec<Block>>, TooLarge> {
    if ability.protocols == Protocols::Named {
        return Ok(by_class(space, goal, wanted)?.into_iter().collect());
    }
    let mut plans: Vec<Vec<Block>> = regions(space, wanted, Action::Accept)?.into_iter().collect();
    if ability.drop {
        let kept_out = space.minus(goal.compared, wanted)?;
        if let Some(mut blocks) = regions(space, kept_out, Action::Drop)? {
            blocks.push(Block::all(Action::Accept));
            plans.push(blocks);
        }
    }
    Ok(plans)
}

/// The rules of the policy, each as it is. Of those that cannot be said, one whose action is to be `enlarged` matches more, and any
/// other is left out; `None` if there are any and none may be enlarged. For a target that only accepts: those that accept, up
/// to the first that drops.
pub(super) fn rule_by_rule(policy: &Policy, ability: Ability, enlarged: Option<Action>) -> Option<Vec<Block>> {
    let mut blocks = Vec::new();
    for rule in &policy.rules {
        let Some(mut block) = Block::of_rule(rule, &policy.lists) else { continue };
        if block.action == Action::Drop && !ability.drop {
            return Some(blocks);
        }
        if block.unsayable(ability).is_some() {
            let action = enlarged?;
            if block.is_later == Some(true) || block.action != action {
                continue;
            }
            block = block.enlarged(ability);
        }
        let is_all = Block { action: Action::Drop, is_later: None, ..block.clone() } == Block::all(Action::Drop);
        match block.action {
            // What is left is dropped by every target.
            Action::Drop if is_all => return Some(blocks),
            Action::Accept if is_all => {
                blocks.push(block);
                return Some(blocks);
            }
            _ => blocks.push(block),
        }
    }
    if policy.default == Action::Accept {
        blocks.push(Block::all(Action::Accept));
    }
    Some(blocks)
}

/// A set as regions; `None` if it takes too many.
fn regions(space: &mut Space, set: Set, action: Action) -> Result<Option<Vec<Block>>, TooLarge> {
    let found = space.regions(set, MOST_REGIONS)?;
    let blocks = found.regions.iter().map(|region| Block::of_region(region, action)).collect();
    Ok(found.is_all.then_some(blocks))
}

/// What is let in, by protocols: first those that have a name, then whether they are let in or not all others.
fn by_class(space: &mut Space, goal: &Goal, wanted: Set) -> Result<Option<Vec<Block>>, TooLarge> {
    let rest = others(space)?;
    let rest = space.and(rest, wanted)?;
    let rest = space.forget(rest, Field::Protocol)?;
    let rest = space.and(rest, goal.compared)?;
    let mut blocks = Vec::new();
    for number in NAMED.into_iter().chain([protocol::ICMP]) {
        let class = match number {
            protocol::ICMP => space.accepted(&only([transport(number)]))?,
            _ => space.accepted(&only(of_protocol(number)))?,
        };
        let wanted = space.and(class, wanted)?;
        // What the rules for all protocols let in of this one, too.
        let also = space.and(class, rest)?;
        if also == wanted {
            continue;
        }
        let Some(found) = regions(space, wanted, Action::Accept)? else { return Ok(None) };
        blocks.extend(found.into_iter().map(|block| Block { protocols: Some(vec![number]), ..block }));
        if !space.is_within(also, wanted)? {
            let is_v6 = (number == protocol::ICMP).then_some(false);
            blocks.push(Block { protocols: Some(vec![number]), is_v6, ..Block::all(Action::Drop) });
        }
    }
    let Some(found) = regions(space, rest, Action::Accept)? else { return Ok(None) };
    blocks.extend(found.into_iter().map(|block| Block { protocols: None, ..block }));
    Ok(Some(blocks))
}
