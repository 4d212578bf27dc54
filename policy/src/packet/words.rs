//! A text as words, each with its place.
use crate::diagnostic::Span;

/// A word, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word<'t> {
    pub text: &'t str,
    pub span: Span,
}

impl Word<'_> {
    /// Whether it is this one, in either case.
    pub fn is(&self, word: &str) -> bool {
        self.text.eq_ignore_ascii_case(word)
    }
}

/// What lies between white space and commas.
pub(super) fn words(text: &str) -> impl Iterator<Item = Word<'_>> {
    let mut at = 0;
    text.split(|c: char| c.is_whitespace() || c == ',').filter_map(move |word| {
        // A separator may be several bytes long: where the word stands tells its address in the text.
        let start = at + text.get(at..).and_then(|rest| rest.find(word)).unwrap_or_default();
        at = start + word.len();
        (!word.is_empty()).then_some(Word { text: word, span: start..at })
    })
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
