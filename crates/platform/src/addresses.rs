//! `allowedIps`: the addresses a user may come from.

use crate::Error;
use ipnet::IpNet;
use model::people::User;
use serde_json::Value;
use std::net::IpAddr;

/// The property of a user that lists addresses and networks, separated by commas.
pub(crate) const PROPERTY: &str = "allowedIps";

/// Reads a list of addresses and networks in CIDR notation.
///
/// # Errors
/// The first part that is neither.
pub(crate) fn parse(text: &str) -> Result<Vec<IpNet>, String> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts
        .map(|part| match (part.parse::<IpNet>(), part.parse::<IpAddr>()) {
            (Ok(network), _) => Ok(network),
            (_, Ok(address)) => Ok(IpNet::from(address)),
            _ => Err(part.to_owned()),
        })
        .collect()
}

/// Lets a user through from the addresses they may come from; who has no list, from anywhere.
///
/// # Errors
/// `Forbidden` from another address, or from one that is not known.
pub(crate) fn check(user: &User, address: Option<&str>) -> Result<(), Error> {
    let listed = user.properties.get(PROPERTY).and_then(Value::as_str).unwrap_or_default();
    if listed.trim().is_empty() {
        return Ok(());
    }
    let address = address.and_then(|address| address.parse::<IpAddr>().ok());
    let address = address.map(|address| address.to_canonical());
    let networks = parse(listed).unwrap_or_default();
    match address {
        Some(address) if networks.iter().any(|network| network.contains(&address)) => Ok(()),
        _ => Err(Error::Forbidden { act: "sign in from this address".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks_are_read() {
        let networks = parse("127.0.0.1, ::1,192.168.0.25/24,").unwrap();
        let check = |address: &str, expect: bool| {
            let address: IpAddr = address.parse().unwrap();
            let found = networks.iter().any(|network| network.contains(&address));
            assert_eq!(found, expect, "{address}");
        };
        check("127.0.0.1", true);
        check("127.0.0.2", false);
        check("::1", true);
        check("192.168.0.7", true);
        check("192.168.1.7", false);
        assert_eq!(parse("10.0.0.1,nonsense").unwrap_err(), "nonsense");
    }
}
