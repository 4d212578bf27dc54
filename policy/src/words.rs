//! Texts as words and commas, each with its place.
use crate::diagnostic::Span;

/// A word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word<'t> {
    pub text: &'t str,
    pub span: Span,
}

impl Word<'_> {
    /// Whether it is this one, in either case.
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

/// What lies between commas, and between white space there.
pub(crate) fn sets(text: &str) -> Vec<Vec<Word<'_>>> {
    let (mut sets, mut set, mut start) = (Vec::new(), Vec::new(), None);
    let ends = text.char_indices().chain([(text.len(), ' ')]);
    for (at, c) in ends {
        if c != ',' && !c.is_whitespace() {
            start.get_or_insert(at);
            continue;
        }
        if let Some(start) = start.take() {
            set.push(Word { text: text.get(start..at).unwrap_or_default(), span: start..at });
        }
        if c == ',' {
            sets.push(core::mem::take(&mut set));
        }
    }
    sets.push(set);
    sets
}

/// What lies between white space and commas, whichever.
pub(crate) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    sets(text).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_place() {
        let text = " tcp\u{2003}from,  :80,syn";
        let found: Vec<_> = words(text).map(|word| (word.text, &text[word.span])).collect();
        assert_eq!(found, ["tcp", "from", ":80", "syn"].map(|word| (word, word)));
    }
}
