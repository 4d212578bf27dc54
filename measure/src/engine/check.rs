//! Every answer is right, or nothing is measured.
use crate::contender::Contender;
use crate::header::Family;
use crate::trace::{NONE, Trace, first_matches};
use crate::{filter::Filter, ours};
use policy::policy::Policy;
use tests::{Result, ensure};

/// How many rules the interpreter may go through for one trace.
const INTERPRETED: usize = 1 << 22;

/// Holds every contender against a plain scan of the rules on every header, and the scan against the interpreter on
/// as many of them as it can do. Returns how many those were, and how many there are.
pub fn check<'t>(
    filters: &[Filter],
    policy: &Policy,
    traces: impl Iterator<Item = &'t Trace>,
    contenders: &mut [Box<dyn Contender<Trace> + '_>],
) -> Result<(usize, usize)> {
    let (mut interpreted, mut headers) = (0, 0);
    for trace in traces {
        let expected = first_matches(filters, &trace.headers);
        let every = (trace.headers.len() * filters.len()).div_ceil(INTERPRETED);
        for (packet, expected) in trace.packets(Family::V4).iter().zip(&expected).step_by(every) {
            let meant = ours::answer(policy::reference::decide(policy, packet))?;
            ensure!(
                meant == *expected,
                "by the interpreter {} decides, by the scan {}, about {packet:?}",
                name(meant),
                name(*expected)
            );
            interpreted += 1;
        }
        headers += trace.headers.len();
        for contender in &mut *contenders {
            let answers = contender.answers(trace)?;
            ensure!(answers.len() == expected.len(), "{}: {} answers", contender.name(), answers.len());
            for ((header, answer), expected) in trace.headers.iter().zip(answers).zip(&expected) {
                ensure!(
                    answer == *expected,
                    "{}, {}: {} decides, where {} does, about {:?}",
                    contender.name(),
                    trace.name,
                    name(answer),
                    name(*expected),
                    header.packet(Family::V4)
                );
            }
        }
    }
    Ok((interpreted, headers))
}

fn name(rule: u32) -> String {
    if rule == NONE { "no rule".into() } else { format!("rule {rule}") }
}
