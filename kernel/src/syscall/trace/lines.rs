//! One stream of lines from several threads: a call that waits leaves its line unfinished, and is taken up again.
use alloc::format;
use alloc::string::String;

/// Whose call stands on a line that has not ended.
#[derive(Default)]
pub struct Lines {
    open: Option<u32>,
}

impl Lines {
    /// What goes before the text of another thread, or of a line of its own.
    fn interrupt(&mut self) -> &'static str {
        if self.open.take().is_some() { " <unfinished ...>\n" } else { "" }
    }

    /// A whole line of this thread.
    pub fn whole(&mut self, thread: u32, text: &str) -> String {
        format!("{}[pid {thread}] {text}\n", self.interrupt())
    }

    /// The beginning of a call that waits.
    pub fn begin(&mut self, thread: u32, text: &str) -> String {
        let before = self.interrupt();
        self.open = Some(thread);
        format!("{before}[pid {thread}] {text}")
    }

    /// The rest of a call that waited.
    pub fn finish(&mut self, thread: u32, name: &str, rest: &str) -> String {
        if self.open == Some(thread) {
            self.open = None;
            return format!("{rest}\n");
        }
        format!("{}[pid {thread}] <... {name} resumed>{rest}\n", self.interrupt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_that_waits_alone_is_one_line() {
        let mut lines = Lines::default();
        let text = lines.begin(2, "read(3, ") + &lines.finish(2, "read", "\"a\", 9) = 1");
        assert_eq!(text, "[pid 2] read(3, \"a\", 9) = 1\n");
    }

    #[test]
    fn another_thread_leaves_it_unfinished() {
        let mut lines = Lines::default();
        let text = lines.begin(2, "read(3, ")
            + &lines.whole(3, "getpid() = 2")
            + &lines.begin(3, "pause(")
            + &lines.finish(2, "read", "\"a\", 9) = 1");
        let expected = "[pid 2] read(3,  <unfinished ...>\n[pid 3] getpid() = 2\n[pid 3] pause( <unfinished ...>\n\
                        [pid 2] <... read resumed>\"a\", 9) = 1\n";
        assert_eq!(text, expected);
    }
}
