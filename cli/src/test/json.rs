//! What came of tests, for a program.
use super::{Decider, count_failed, expected, found, verdict};
use crate::config::Loaded;
use firewall::Matched;
use policy::diagnostic;
use policy::packet::describe;
use policy::test::{Outcome, Test};
use serde_json::{Value, json};

/// One JSON object on a line; docs/policy.md says what is in it.
pub fn tell(loaded: &Loaded, outcomes: &[Outcome]) -> String {
    let tests = loaded.config.tests.iter().zip(outcomes).map(|(test, outcome)| one(loaded, test, outcome));
    let tests: Vec<Value> = tests.collect();
    let told = json!({"file": loaded.name, "tests": tests, "failed": count_failed(outcomes)});
    format!("{told}\n")
}

fn one(loaded: &Loaded, test: &Test, outcome: &Outcome) -> Value {
    let mut told = json!({
        "test": test.text,
        "name": test.name,
        "line": diagnostic::line(&loaded.text, test.span.start),
        "holds": !matches!(outcome, Outcome::Fails { .. }),
        "empty": matches!(outcome, Outcome::HoldsOfNothing),
    });
    if let (Outcome::Fails { packet, decision }, Some(told)) = (outcome, told.as_object_mut()) {
        let (action, deciders) = expected(test);
        let rules: Option<Vec<Value>> =
            deciders.map(|deciders| deciders.iter().map(|matched| rule(loaded, *matched)).collect());
        told.insert("packet".into(), describe(packet).into());
        told.insert("expected".into(), json!({"verdict": action.map(verdict), "rules": rules}));
        told.insert("found".into(), json!({"verdict": found(decision), "rule": rule(loaded, decision.cause)}));
    }
    told
}

/// The rule, or null for the default.
fn rule(loaded: &Loaded, matched: Matched) -> Value {
    let Decider { number, line, label } = Decider::of(matched, loaded);
    number.map_or(Value::Null, |number| json!({"number": number, "line": line, "label": label}))
}
