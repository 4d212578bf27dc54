//! How many rules there may be.
use super::target::Target;
use super::{aws, azure, gcp};

/// How many rules there can be.
pub(super) fn room(target: Target) -> usize {
    match target {
        Target::AwsNacl => aws::LAST,
        Target::AzureNsg => azure::MOST,
        Target::GcpFirewall => 65535 - gcp::FIRST,
        // The quota can be raised to so many, for all groups of a network interface.
        Target::AwsSecurityGroup => 1000,
        Target::Nftables => usize::MAX,
    }
}

/// What a target has room for unless it is asked for more.
pub(super) fn warning(target: Target, rules: usize) -> Option<String> {
    let (most, what) = match target {
        Target::AwsSecurityGroup => (60, "inbound rules of a version of IP in a security group"),
        Target::AwsNacl => (20, "inbound entries in a network ACL"),
        Target::AzureNsg => (1000, "rules in a network security group"),
        Target::GcpFirewall | Target::Nftables => return None,
    };
    (rules > most).then(|| format!("{rules} rules: there are at most {most} {what}, unless the quota is raised"))
}
