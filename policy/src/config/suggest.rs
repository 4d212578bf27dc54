//! What was probably meant.

/// Longer words are not compared: they are no slip of the pen.
const LONGEST: usize = 40;

/// What other firewalls call it.
const OTHER_NAMES: &[(&str, &str)] = &[
    ("source", "src"),
    ("saddr", "src"),
    ("sport", "src"),
    ("destination", "dest"),
    ("daddr", "dest"),
    ("dport", "dest"),
    ("port", "dest"),
    ("ipv4", "ip"),
    ("ipv6", "ip6"),
    ("protocol", "proto"),
    ("policy", "default"),
    ("verdict", "action"),
    ("target", "action"),
    ("allow", "accept"),
    ("permit", "accept"),
    ("pass", "accept"),
    ("deny", "drop"),
    ("block", "drop"),
    ("discard", "drop"),
];

/// The nearest of `known` to `word`, if it is near: another name, other case, or a slip for every three letters.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    if word.chars().count() > LONGEST {
        return None;
    }
    let named = OTHER_NAMES.iter().find(|(other, _)| other.eq_ignore_ascii_case(word));
    if let Some((_, name)) = named.filter(|(_, name)| known.contains(name)) {
        return Some(name);
    }
    let nearest = known
        .iter()
        .copied()
        .filter(|known| known.len() <= LONGEST)
        .min_by_key(|candidate| distance(word, candidate))?;
    let slips = (word.chars().count().min(nearest.len()) / 3).max(1);
    (distance(word, nearest) <= slips).then_some(nearest)
}

/// How many letters to insert, remove, replace or swap, whatever their case.
pub(super) fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}
