//! The firewalls that a policy is written for, and what each can say.
use core::fmt;

/// Where an export goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// nftables, the packet filter of Linux: a file for `nft -f`.
    Nftables,
    /// A security group of Amazon EC2: what `aws ec2 authorize-security-group-ingress --cli-input-json` takes.
    AwsSecurityGroup,
    /// A network ACL of Amazon VPC: entries, each of which `aws ec2 create-network-acl-entry --cli-input-json` takes.
    AwsNacl,
    /// Firewall rules of Google Cloud VPC: resources of Compute Engine's API v1.
    GcpFirewall,
    /// A network security group of Azure: its `securityRules`.
    AzureNsg,
}

impl Target {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Nftables, Self::AwsSecurityGroup, Self::AwsNacl, Self::GcpFirewall, Self::AzureNsg];

    /// What the command calls it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nftables => "nftables",
            Self::AwsSecurityGroup => "aws-security-group",
            Self::AwsNacl => "aws-nacl",
            Self::GcpFirewall => "gcp-firewall",
            Self::AzureNsg => "azure-nsg",
        }
    }

    /// Whether it lets answers to what it let through pass by themselves. A policy and nftables' part of it do not.
    pub const fn is_stateful(self) -> bool {
        matches!(self, Self::AwsSecurityGroup | Self::GcpFirewall | Self::AzureNsg)
    }

    pub(super) const fn ability(self) -> Ability {
        let all =
            Ability { drop: true, destination: true, source_port: true, message: true, protocols: Protocols::Each };
        match self {
            Self::Nftables => all,
            Self::AwsSecurityGroup => Ability { drop: false, destination: false, source_port: false, ..all },
            Self::AwsNacl => Ability { destination: false, source_port: false, ..all },
            Self::GcpFirewall => Ability { source_port: false, message: false, ..all },
            Self::AzureNsg => Ability { message: false, protocols: Protocols::Named, ..all },
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nftables => "nftables",
            Self::AwsSecurityGroup => "an AWS security group",
            Self::AwsNacl => "an AWS network ACL",
            Self::GcpFirewall => "a Google Cloud firewall",
            Self::AzureNsg => "an Azure network security group",
        })
    }
}

/// What rules of a target can ask, beside source addresses and destination ports, which all can.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ability {
    /// Whether a rule can drop.
    pub drop: bool,
    /// Destination addresses.
    pub destination: bool,
    /// Source ports.
    pub source_port: bool,
    /// Types and codes of ICMP.
    pub message: bool,
    /// Protocols.
    pub protocols: Protocols,
}

/// Which protocols a rule can ask for one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Protocols {
    /// Every number.
    Each,
    /// [`NAMED`] alone, and ICMP in IPv4.
    Named,
}

/// What Azure has names for: TCP, UDP, ESP and AH. Its ICMP is that of IPv4.
pub(super) const NAMED: [u8; 4] = [6, 17, 50, 51];
