//! The words of a text for nft(8).
use crate::export::ReadError;

/// A word, with its line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token<'t> {
    /// A word; one of `{`, `}`, `,`, `;` and `=`; a string with its quotes; or a line feed.
    pub text: &'t str,
    /// Its line.
    pub line: usize,
}

/// Splits a text. Comments and white space are gone; what ends a line is `"\n"`, also where a file ends without one.
pub(super) fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut all = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let mut rest = content;
        while let Some(word) = next(&mut rest) {
            all.push(Token { text: word, line });
        }
        all.push(Token { text: "\n", line });
    }
    all
}

fn next<'t>(rest: &mut &'t str) -> Option<&'t str> {
    let text = rest.trim_start();
    let length = match text.chars().next()? {
        '#' => return None,
        '"' => text.get(1..)?.find('"').map_or(text.len(), |end| end + 2),
        '{' | '}' | ',' | ';' => 1,
        _ => text.find(|c: char| c.is_whitespace() || "{},;\"#".contains(c)).unwrap_or(text.len()),
    };
    let (word, after) = text.split_at_checked(length)?;
    *rest = after;
    Some(word)
}

/// Words, one after the other.
pub(super) struct Words<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
}

impl<'t> Words<'t> {
    pub(super) fn new(tokens: &'t [Token<'t>]) -> Self {
        Self { tokens, at: 0 }
    }

    /// Gives the last word again.
    pub(super) fn back(&mut self) {
        self.at = self.at.saturating_sub(1);
    }

    /// One value, or several in braces.
    pub(super) fn members(&mut self) -> Result<Vec<&'t str>, ReadError> {
        if !self.take("{") {
            return Ok(vec![self.word("a value")?]);
        }
        let mut members = Vec::new();
        loop {
            match self.word_over_lines() {
                Some("}") => return Ok(members),
                Some(",") => {}
                Some(word) => members.push(word),
                None => return Err(self.wrong("braces without an end".into())),
            }
        }
    }

    pub(super) fn line(&self) -> usize {
        let at = self.at.saturating_sub(1);
        self.tokens.get(at).or(self.tokens.last()).map_or(0, |token| token.line)
    }

    pub(super) fn wrong(&self, what: String) -> ReadError {
        ReadError { line: self.line(), what }
    }

    pub(super) fn word(&mut self, what: &str) -> Result<&'t str, ReadError> {
        let token = self.tokens.get(self.at);
        self.at += 1;
        match token {
            Some(token) if token.text != "\n" => Ok(token.text),
            _ => Err(self.wrong(format!("the line ends where {what} is expected"))),
        }
    }

    pub(super) fn word_over_lines(&mut self) -> Option<&'t str> {
        loop {
            let token = self.tokens.get(self.at)?;
            self.at += 1;
            if token.text != "\n" {
                return Some(token.text);
            }
        }
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let is = self.tokens.get(self.at).is_some_and(|token| token.text == text);
        self.at += usize::from(is);
        is
    }

    pub(super) fn expect(&mut self, text: &str) -> Result<(), ReadError> {
        match self.take(text) {
            true => Ok(()),
            false => {
                self.at += 1;
                Err(self.wrong(format!("`{}` is expected", text.escape_default())))
            }
        }
    }
}
