//! Messages about a file, drawn with the line they are about.
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

/// Where something stands in a file: bytes from its start.
pub type Span = Range<usize>;

/// No more than this many are drawn; the rest are counted.
const MOST_DRAWN: usize = 50;

/// A longer line is cut, in bytes.
const LONGEST_LINE: usize = 500;

/// As much of a cut line as is drawn on either side of what is marked, in bytes.
const CONTEXT: usize = 60;

/// As much of a cut line as is marked, in bytes.
const MOST_MARKED: usize = 80;

/// Whether it stops the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It does.
    Error,
    /// It does not.
    Warning,
}

/// One message about one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops the work.
    pub severity: Severity,
    /// Where.
    pub span: Span,
    /// What is wrong.
    pub title: String,
    /// What was expected there.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
    /// What else there is to know.
    pub notes: Vec<String>,
}

/// The line that a byte of a file is in, from 1.
pub fn line(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

/// Where the lines of a file begin.
#[derive(Clone, Debug)]
pub struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Of a file.
    pub fn new(text: &'t str) -> Self {
        let feeds = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        Self { text, starts: core::iter::once(0).chain(feeds.map(|(at, _)| at + 1)).collect() }
    }

    /// The line that a byte is in, from 1.
    pub fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    /// The line and the column of a byte, both from 1; columns count characters.
    pub fn place(&self, at: usize) -> (usize, usize) {
        let line = self.line(at);
        let start = self.starts.get(line.saturating_sub(1)).copied().unwrap_or_default();
        let before = self.text.get(start..floor(self.text, at)).unwrap_or_default();
        (line, before.trim_start_matches('\u{feff}').chars().count() + 1)
    }
}

/// Draws the messages in the order given, each with its line; with colours for a terminal or without.
///
/// `name` is what the reader calls the file. Ends in a line feed unless there is nothing to draw.
pub fn render<D: Into<Diagnostic>>(
    name: &str,
    text: &str,
    diagnostics: impl IntoIterator<Item = D>,
    coloured: bool,
) -> String {
    let renderer = if coloured { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii);
    let mut all = diagnostics.into_iter();
    let first = all.by_ref().take(MOST_DRAWN);
    let drawn: Vec<String> = first.map(|one| draw(&renderer, name, text, &one.into())).collect();
    let rest = all.count();
    let mut out = drawn.join("\n\n");
    if rest > 0 {
        out.push_str(&format!("\n\n... and {rest} more"));
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn draw(renderer: &Renderer, name: &str, text: &str, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let place = Place::of(text, &diagnostic.span);
    let path = (!place.cut).then_some(name);
    let mark = AnnotationKind::Primary.span(place.mark).label(diagnostic.label.as_str());
    let mut group = level
        .primary_title(diagnostic.title.as_str())
        .elements(place.cut.then(|| Origin::path(name).line(place.line).char_column(place.column)))
        .element(Snippet::source(place.excerpt).line_start(place.line).path(path).annotation(mark));
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    renderer.render(&[group])
}

/// The part of a line that is drawn.
struct Place {
    /// From 1.
    line: usize,
    /// In characters, from 1.
    column: usize,
    excerpt: String,
    /// In the excerpt.
    mark: Span,
    /// Whether the excerpt is less than the line: then columns in it are not those of the file.
    cut: bool,
}

impl Place {
    /// A long line is cut on both sides, so that a file on one line stays readable; of a value over several
    /// lines the first is drawn.
    fn of(text: &str, span: &Span) -> Place {
        let body = text.len() - text.trim_start_matches('\u{feff}').len();
        let start = floor(text, span.start).max(body);
        let line_start = text[..start].rfind('\n').map_or(body, |at| at + 1);
        let line_end = start + text[start..].lines().next().map_or(0, str::len);
        let end = text.ceil_char_boundary(span.end.clamp(start, line_end));
        let line = text[..line_start].matches('\n').count() + 1;
        let column = text[line_start..start].chars().count() + 1;
        if line_end - line_start <= LONGEST_LINE {
            let excerpt = text[line_start..line_end].to_string();
            return Place { line, column, excerpt, mark: start - line_start..end - line_start, cut: false };
        }
        let end = floor(text, end.min(start.saturating_add(MOST_MARKED)));
        let from = floor(text, start.saturating_sub(CONTEXT)).max(line_start);
        let to = floor(text, end.saturating_add(CONTEXT)).min(line_end).max(end);
        let shift = "...".len();
        let excerpt = format!("...{}...", &text[from..to]);
        Place { line, column, excerpt, mark: start - from + shift..end - from + shift, cut: true }
    }
}

/// The nearest start of a character at or before `at`, within the text.
fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}
