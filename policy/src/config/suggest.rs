//! What was probably meant.

/// Longer words are not compared: they are no slip of the pen.
const LONGEST: usize = 40;

/// The nearest of `known` to `word`, if it is near: other case, or one slip for every three letters.
pub(super) fn nearest(word: &str, known: &[&'static str]) -> Option<&'static str> {
    if word.chars().count() > LONGEST {
        return None;
    }
    let nearest = known.iter().copied().min_by_key(|candidate| distance(word, candidate))?;
    let slips = nearest.len().div_ceil(3);
    (distance(word, nearest) <= slips).then_some(nearest)
}

/// How many letters to insert, remove, replace or swap, whatever their case.
pub(super) fn distance(a: &str, b: &str) -> usize {
    strsim::damerau_levenshtein(&a.to_lowercase(), &b.to_lowercase())
}
