//! Places inside a JSON string, whose characters may be escaped (RFC 8259, section 7).
use crate::diagnostic::Span;

/// Where a part of a string stands in the file: `string` is the place of the string with its quotes, `part` are bytes of
/// what it says. An empty part is the character there, or the closing quote.
pub(super) fn place(file: &str, string: &Span, part: &Span) -> Span {
    let raw = file.get(string.start + 1..string.end.saturating_sub(1)).unwrap_or_default();
    let start = string.start + 1 + offset(raw, part.start);
    let end = string.start + 1 + offset(raw, part.end.max(part.start));
    start..end.max(start + 1)
}

/// How many bytes say the first `decoded` bytes.
fn offset(raw: &str, decoded: usize) -> usize {
    let (mut at, mut said) = (0, 0);
    while said < decoded {
        let Some(rest) = raw.get(at..).filter(|rest| !rest.is_empty()) else { break };
        let (taken, length) = first(rest);
        at += taken;
        said += length;
    }
    at.min(raw.len())
}

/// The first character: how many bytes it is written with, and how many it has in UTF-8.
fn first(raw: &str) -> (usize, usize) {
    let Some(escape) = raw.strip_prefix('\\') else {
        let length = raw.chars().next().map_or(1, char::len_utf8);
        return (length, length);
    };
    let Some(unit) = escape.strip_prefix('u').and_then(unit) else { return (2, 1) };
    let is_pair = (0xd800..0xdc00).contains(&unit);
    match char::from_u32(unit) {
        Some(character) => (6, character.len_utf8()),
        // The other half of the pair follows.
        None if is_pair => (12, 4),
        None => (6, 3),
    }
}

/// Four hexadecimal digits.
fn unit(digits: &str) -> Option<u32> {
    u32::from_str_radix(digits.get(..4)?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_found_behind_escapes() {
        let file = r#"["a\n\u00e9\ud83d\ude00b é\"tcp\""]"#;
        let string = 1..file.len() - 1;
        let said = "a\né😀b é\"tcp\"";
        for (part, raw) in
            [("a", "a"), ("\n", r"\n"), ("é", r"\u00e9"), ("😀", r"\ud83d\ude00"), ("b é", "b é"), ("tcp", "tcp")]
        {
            let at = said.find(part).unwrap();
            assert_eq!(&file[place(file, &string, &(at..at + part.len()))], raw);
        }
        let end = said.len();
        assert_eq!(place(file, &string, &(end..end)), file.len() - 2..file.len() - 1, "the closing quote");
    }
}
