//! Changes to a policy from arbitrary bytes.
use super::rules::{action, prefix_v4, prefix_v6, rule};
use crate::change::{Change, Entry};
use crate::policy::Policy;
use arbitrary::{Result, Unstructured};

/// A change to a policy that can be made.
///
/// # Errors
/// Never for want of bytes; see [`arbitrary`].
pub fn change(u: &mut Unstructured, policy: &Policy) -> Result<Change> {
    let (rules, lists) = (policy.rules.len(), policy.lists.len());
    if lists > 0 && u.ratio(1, 2)? {
        let list = u.choose_index(lists)?;
        let (ipv4, ipv6) = (&policy.lists[list].ipv4, &policy.lists[list].ipv6);
        return Ok(match u.int_in_range(0..=3)? {
            0 if !ipv4.is_empty() => Change::TakeEntry { list, entry: Entry::Ipv4(*u.choose(ipv4)?) },
            1 if !ipv6.is_empty() => Change::TakeEntry { list, entry: Entry::Ipv6(*u.choose(ipv6)?) },
            number if number % 2 == 0 => Change::AddEntry { list, entry: Entry::Ipv4(prefix_v4(u)?) },
            _ => Change::AddEntry { list, entry: Entry::Ipv6(prefix_v6(u)?) },
        });
    }
    Ok(match u.int_in_range(0..=9)? {
        0..=2 if rules > 0 => Change::Take { at: u.choose_index(rules)? },
        3 | 4 if rules > 0 => Change::Replace { at: u.choose_index(rules)?, rule: rule(u, lists)? },
        5 if rules > 0 => {
            // As the rule before, but for what it does.
            let at = u.choose_index(rules)?;
            Change::Replace { at, rule: crate::policy::Rule { action: action(u)?, ..policy.rules[at].clone() } }
        }
        6 => Change::Default(action(u)?),
        _ => Change::Add { at: u.choose_index(rules + 1)?, rule: rule(u, lists)? },
    })
}
