//! What a configuration says for messages about a policy that is right: where it stands, and what is not to be told.
use policy::config::{self, Config, HostBits, Line};
use policy::lint::Lint;

fn parse(text: &str, file: &[u8]) -> Config {
    match config::parse_with(text, &mut |_| Ok(file.to_vec()), |_| Vec::new()) {
        Ok((config, _)) => config,
        Err(errors) => panic!("{}", policy::diagnostic::render("test.json", text, errors, false)),
    }
}

fn firewall(members: &str) -> String {
    format!("{{\"ManifestPassthrough\": {{\"firewall\": {{{members}}}}}}}")
}

#[test]
fn every_lint_can_be_allowed_by_its_name_for_a_rule_and_for_the_policy() {
    let names: Vec<String> = Lint::ALL.iter().map(|lint| format!("\"{lint}\"")).collect();
    let text = firewall(&format!(
        "\"allow\": \"host-bits\", \"rules\": [{{\"allow\": [{}]}}, {{}}, {{\"allow\": \"empty\"}}]",
        names.join(", ")
    ));
    let config = parse(&text, b"");
    assert_eq!(config.rule_allows, [Lint::ALL.to_vec(), Vec::new(), vec![Lint::Empty]]);
    assert_eq!(config.allows, [Lint::HostBits]);
}

#[test]
fn the_parts_of_a_policy_are_where_they_stand() {
    let text = firewall("\"rules\": [{}], \"default\": \"drop\"");
    let places = parse(&text, b"").places;
    assert_eq!(&text[places.firewall], "\"firewall\"");
    assert_eq!(places.rules.map(|span| &text[span]), Some("[{}]"));
    assert_eq!(places.default.map(|span| &text[span]), Some("\"drop\""));
    let places = parse(&firewall(""), b"").places;
    assert_eq!((places.rules, places.default), (None, None));
}

#[test]
fn bits_under_a_mask_are_told_where_they_stand() {
    let text = firewall(
        "\"lists\": {\"a\": [\"10.0.0.1/24\", \"10.0.0.0/24\", \"10.0.0.1\", \"fe80::1/10\"], \"b\": {\"file\": \"f\"}}, \"rules\": [
        {\"ip\": {\"src\": [\"@a\", \"@b\", \"192.0.2.0/24\", \"0.0.0.0/0\", \"10.0.0.1/32\"]}},
        {\"ip\": {\"src\": \"!10.0.2.2/24\", \"dest\": [\"10.9.9.9/0\"]}},
        {\"ip6\": {\"src\": [\"!fe80::/10\", \"!2001:DB8:0::1/64\"]}}]",
    );
    let mut found =
        parse(&text, b"# head\n10.0.0.0/8\n10.1.0.0/8 # x\n::1/0\n10.1.2.3\n10.0.0.1/31\n").places.host_bits;
    found.sort_by_key(|bits| bits.span.start);
    let told = |bits: &HostBits| {
        (text[bits.span.clone()].to_string(), bits.written.clone(), bits.meant.clone(), bits.rule, bits.line)
    };
    let value = |written: &str, meant: &str, rule| {
        (format!("\"{written}\""), written.to_string(), meant.to_string(), rule, None)
    };
    let mut file = value("10.1.0.0/8", "10.0.0.0/8", None);
    file.0 = "\"f\"".to_string();
    file.4 = Some(Line { number: 3, more: 2 });
    let expected = [
        value("10.0.0.1/24", "10.0.0.0/24", None),
        value("fe80::1/10", "fe80::/10", None),
        file,
        value("!10.0.2.2/24", "!10.0.2.0/24", Some(1)),
        value("10.9.9.9/0", "0.0.0.0/0", Some(1)),
        value("!2001:DB8:0::1/64", "!2001:db8::/64", Some(2)),
    ];
    assert_eq!(found.iter().map(told).collect::<Vec<_>>(), expected);
}
