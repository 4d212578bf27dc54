//! What a policy costs.
use crate::bundle;
use crate::failure::Failure;
use crate::memory;
use crate::say::counted;
use firewall::{Shape, Table};
use policy::policy::Policy;
use std::time::{Duration, Instant};

/// Compiles a policy and says what that gives.
pub fn costs(policy: &Policy) -> Result<String, Failure> {
    let started = Instant::now();
    let blob = bundle::compile(policy)?;
    let time = started.elapsed();
    let table = Table::decode(&blob).map_err(|error| Failure::CannotBoot(error.to_string()))?;
    Ok(describe(&table.shape(), blob.len(), time))
}

/// A line for each thing that there is to know.
fn describe(shape: &Shape, size: usize, time: Duration) -> String {
    let mut lines = vec![
        ("engine", engine(shape)),
        ("rules", shape.rules.to_string()),
        ("size", memory::show(size as u64)),
        ("compiled in", milliseconds(time)),
        ("at worst", format!("{} memory accesses for an IPv4 packet, {} for IPv6", shape.worst.v4, shape.worst.v6)),
    ];
    if shape.lists > 0 {
        let what = format!("{} of {}", counted(shape.lists, "table"), memory::show(shape.list_bytes as u64));
        lines.insert(3, ("address lists", format!("{what}, within that size")));
    }
    lines.iter().map(|(name, what)| format!("  {name:<15}{what}\n")).collect()
}

fn engine(shape: &Shape) -> String {
    let tried = |rules: &str| format!("{rules} tried one after the other");
    let rules = match (shape.trees, shape.listed) {
        (0, 0) => "none: no rule is looked for".to_string(),
        (0, _) => tried("rules are"),
        (trees, 0) => counted(trees, "decision tree"),
        (trees, listed) => {
            let beside = if listed == 1 { "is" } else { "are" };
            let trees = counted(trees, "decision tree");
            format!("{trees}; {}", tried(&format!("{} beside {beside}", counted(listed, "rule"))))
        }
    };
    if shape.lists > 0 { format!("{rules}; address lists") } else { rules }
}

fn milliseconds(time: Duration) -> String {
    match time.as_micros() {
        ..10_000 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        10_000..1_000_000 => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use firewall::shape::Worst;

    fn shape(trees: usize, listed: usize, lists: usize) -> Shape {
        Shape { rules: 40, trees, listed, lists, list_bytes: lists << 20, worst: Worst { v4: 12, v6: 23 } }
    }

    #[test]
    fn a_policy_of_every_kind_is_told_in_words() {
        let text = describe(&shape(3, 2, 2), 3 << 20, Duration::from_micros(1234));
        let expected = "  engine         3 decision trees; 2 rules beside are tried one after the other; address lists\n  \
             rules          40\n  \
             size           3 MiB\n  \
             address lists  2 tables of 2 MiB, within that size\n  \
             compiled in    1.2 ms\n  \
             at worst       12 memory accesses for an IPv4 packet, 23 for IPv6\n";
        assert_eq!(text, expected);
        assert_eq!(engine(&shape(1, 0, 0)), "1 decision tree");
        assert_eq!(engine(&shape(1, 1, 0)), "1 decision tree; 1 rule beside is tried one after the other");
        assert_eq!(engine(&shape(0, 40, 0)), "rules are tried one after the other");
        assert_eq!(engine(&shape(0, 0, 0)), "none: no rule is looked for");
    }

    #[test]
    fn times_are_told_as_long_as_they_are() {
        let times = [40, 12_345, 1_250_000].map(|micros| milliseconds(Duration::from_micros(micros)));
        assert_eq!(times, ["0.0 ms", "12 ms", "1.2 s"]);
    }
}
