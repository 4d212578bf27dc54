//! Colours for a terminal.
use anstyle::{AnsiColor, Style};
use firewall::Action;

/// Whether there are any.
#[derive(Clone, Copy, Debug)]
pub struct Paint(pub bool);

impl Paint {
    /// A verdict: green or red.
    pub fn verdict(self, action: Action, text: &str) -> String {
        let colour = match action {
            Action::Accept => AnsiColor::Green,
            Action::Drop => AnsiColor::Red,
        };
        self.styled(colour.on_default().bold(), text)
    }

    /// What everything else is about.
    pub fn bold(self, text: &str) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// What is there to be found again.
    pub fn dim(self, text: &str) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    fn styled(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_string() }
    }
}
