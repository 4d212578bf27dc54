//! An export with its proof.
use super::block::Block;
use super::failure::{Failure, Unsayable};
use super::goal::{Approximate, Goal};
use super::limits::{room, warning};
use super::size::{Overflow, fits};
use super::target::Target;
use super::{Written, aws, azure, gcp, nftables, plan, read};
use crate::policy::{Action, Policy};
use crate::space::{Decider, Set, Space, TooLarge};
use firewall::Packet;

/// A text for a target, and what was proved of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exported {
    /// The text, which ends in a line feed.
    pub text: String,
    /// What was proved.
    pub proof: Proof,
    /// Which packets were compared; empty if all.
    pub compared: &'static str,
    /// A limit of the target that it is over.
    pub warning: Option<String>,
}

/// How what a target lets in stands to what the policy accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// It is the same.
    Equal,
    /// It is all of that, and more: this packet is let in, and the policy drops it.
    Wider(Packet),
    /// It is a part of that: this packet is not let in, and the policy accepts it.
    Narrower(Packet),
}

/// Writes a policy for a target, and proves that it means the same; or where that cannot be said and `approximate` allows it, the
/// nearest that is wider or narrower. `labels` are what rules are called in comments.
///
/// # Errors
/// Where there is no such text, or it could not be proved.
pub fn export(
    policy: &Policy,
    labels: &[String],
    target: Target,
    approximate: Option<Approximate>,
) -> Result<Exported, Failure> {
    let mut space = Space::new(&[policy])?;
    let goal = Goal::new(&mut space, policy, target == Target::Nftables)?;
    if target == Target::Nftables {
        let text = nftables::write(policy, labels);
        let found = accepted(&mut space, &goal, target, &text)?;
        let proof = compare(&mut space, &goal, found)?;
        return if proof == Proof::Equal {
            Ok(Exported { text, proof, compared: compared(target, policy), warning: None })
        } else {
            Err(not_proved(proof))
        };
    }
    let ability = target.ability();
    let direction = approximate.unwrap_or(Approximate::Wider);
    let wanted = goal.nearest(&mut space, ability, direction)?;
    if approximate.is_none() {
        let named = unsayable(&mut space, policy, &goal, target, wanted != goal.accepted)?;
        if wanted != goal.accepted || !named.is_empty() {
            return Err(Failure::Unsayable(target, named));
        }
    }
    let enlarged = approximate.filter(|_| wanted != goal.accepted).map(|approximate| match approximate {
        Approximate::Wider => Action::Accept,
        Approximate::Narrower => Action::Drop,
    });
    let own = plan::rule_by_rule(policy, ability, enlarged);
    let best = shortest(&mut space, policy, &goal, wanted, target, own)?;
    let found = accepted(&mut space, &goal, target, &best.text)?;
    let proof = compare(&mut space, &goal, found)?;
    match (approximate, proof) {
        (_, Proof::Equal)
        | (Some(Approximate::Wider), Proof::Wider(_))
        | (Some(Approximate::Narrower), Proof::Narrower(_)) => Ok(Exported {
            text: best.text,
            proof,
            compared: compared(target, policy),
            warning: warning(target, best.rules),
        }),
        _ => Err(not_proved(proof)),
    }
}

/// What takes more bytes is not sought to be said shorter: regions of it are too many to be found soon.
const LONG: usize = 1 << 18;

/// The text with the fewest rules of those that let in what is wanted. Where the policy's `own` rules say it, and in few, no other
/// is looked for.
fn shortest(
    space: &mut Space,
    policy: &Policy,
    goal: &Goal,
    wanted: Set,
    target: Target,
    own: Option<Vec<Block>>,
) -> Result<Written, Failure> {
    let (mut best, mut is_too_many): (Option<Written>, bool) = (None, false);
    let mut plans: Vec<Vec<Block>> = own.into_iter().collect();
    let mut is_first = true;
    loop {
        for blocks in &plans {
            if let Err(overflow) = fits(target, blocks) {
                is_too_many |= overflow == Overflow::Rules;
                continue;
            }
            let written = write(target, blocks);
            if written.rules > room(target) {
                is_too_many = true;
            } else if best.as_ref().is_none_or(|best| best.rules > written.rules)
                && accepted(space, goal, target, &written.text)? == wanted
            {
                best = Some(written);
            }
        }
        let few = policy.rules.len() * 2 + 2;
        let is_short = best.as_ref().is_some_and(|best| best.rules <= few || best.text.len() > LONG);
        if is_short || !core::mem::take(&mut is_first) {
            break;
        }
        plans = plan::by_regions(space, goal, wanted, target.ability())?;
    }
    best.ok_or(match is_too_many {
        true => Failure::TooMany(target, room(target)),
        false => Failure::NoForm(target),
    })
}

fn write(target: Target, blocks: &[Block]) -> Written {
    match target {
        Target::AwsSecurityGroup => aws::write_group(blocks),
        Target::AwsNacl => aws::write_nacl(blocks),
        Target::GcpFirewall => gcp::write(blocks),
        Target::AzureNsg | Target::Nftables => azure::write(blocks),
    }
}

/// In words, which packets a proof speaks of.
fn compared(target: Target, policy: &Policy) -> &'static str {
    match target {
        Target::Nftables if nftables::hides_authenticated(policy) => "packets without an authentication header in IPv6",
        Target::Nftables => "",
        _ if target.is_stateful() => "packets that begin a flow and are no later fragments",
        _ => "packets that are no later fragments",
    }
}

/// What a text lets in, of the packets that are compared.
fn accepted(space: &mut Space, goal: &Goal, target: Target, text: &str) -> Result<Set, Failure> {
    let policy = read(target, text).map_err(|error| Failure::NotProved(error.to_string()))?;
    let set = space.accepted(&policy)?;
    Ok(space.and(set, goal.compared)?)
}

fn compare(space: &mut Space, goal: &Goal, found: Set) -> Result<Proof, TooLarge> {
    let more = space.minus(found, goal.accepted)?;
    let less = space.minus(goal.accepted, found)?;
    Ok(match (space.witness(more), space.witness(less)) {
        (None, None) => Proof::Equal,
        (Some(packet), None) => Proof::Wider(packet),
        (_, Some(packet)) => Proof::Narrower(packet),
    })
}

fn not_proved(proof: Proof) -> Failure {
    let packet = match proof {
        Proof::Wider(packet) | Proof::Narrower(packet) => crate::packet::describe(&packet),
        Proof::Equal => String::new(),
    };
    Failure::NotProved(packet)
}

/// The rules that decide about packets and ask for what a target cannot ask for; where the policy can be said without
/// (`is_needed` is false), only those about fragments, of which targets know nothing.
fn unsayable(
    space: &mut Space,
    policy: &Policy,
    goal: &Goal,
    target: Target,
    is_needed: bool,
) -> Result<Vec<Unsayable>, TooLarge> {
    let all = space.all();
    let mut found = Vec::new();
    for (decider, decided) in space.deciders(policy, all)? {
        let Decider::Rule(number) = decider else { continue };
        let compared = space.and(decided, goal.compared)?;
        let is_compared = !space.is_empty(compared);
        let Some(block) = policy.rules.get(number).and_then(|rule| Block::of_rule(rule, &policy.lists)) else {
            continue;
        };
        if (is_needed && is_compared) || block.is_later == Some(true) {
            found.extend(block.unsayable(target.ability()).map(|asks| Unsayable { rule: number, asks }));
        }
    }
    Ok(found)
}
