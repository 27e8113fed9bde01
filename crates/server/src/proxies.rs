//! Who is really asking: the address that proxies in front report, believed only from those that
//! the operator trusts.
//!
//! Proxies append, so the list is read from its end: each trusted proxy vouches for the address
//! before it, and the first address that is not a trusted proxy's is the client. What a client
//! wrote itself stands further to the front and is never reached.

use http::HeaderMap;
use http::header::{FORWARDED, HeaderName};
use ipnet::IpNet;
use std::net::{IpAddr, SocketAddr};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Hops that are looked at: more proxies in a row than anyone has.
const HOPS_MAX: usize = 32;

/// The client behind a connection from `peer`.
pub(crate) fn client(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> SocketAddr {
    let is_trusted = |ip: IpAddr| {
        let ip = ip.to_canonical();
        trusted.iter().any(|net| net.contains(&ip))
    };
    if trusted.is_empty() || !is_trusted(peer.ip()) {
        return peer;
    }
    let mut client = peer;
    for hop in hops(headers).into_iter().rev().take(HOPS_MAX) {
        // A hop that cannot be read ends what is known.
        let Some(ip) = hop else { return client };
        client = SocketAddr::new(ip.to_canonical(), 0);
        if !is_trusted(ip) {
            return client;
        }
    }
    client
}

/// The addresses that proxies reported, first to last; `None` for one that is no address. The
/// standard header counts when both are there.
fn hops(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let lines = |name: &HeaderName| {
        let values = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?"));
        values.flat_map(|line| line.split(',')).map(str::trim).collect::<Vec<_>>()
    };
    if headers.contains_key(FORWARDED) {
        return lines(&FORWARDED)
            .into_iter()
            .map(|element| address(forwarded_for(element)))
            .collect();
    }
    lines(&X_FORWARDED_FOR).into_iter().map(address).collect()
}

/// The value of `for` in an element of `Forwarded`, such as `for="[2001:db8::1]:80";proto=https`.
fn forwarded_for(element: &str) -> &str {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let found = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    found.map_or("", |(_, value)| value.trim().trim_matches('"'))
}

/// An address with or without its port, IPv6 with or without brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bare)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let trusted: Vec<IpNet> =
            ["10.0.0.0/8", "fd00::/8"].iter().map(|net| net.parse().unwrap()).collect();
        let check = |peer: &str, lines: &[(&str, &str)], expect: &str| {
            let headers = lines.iter().map(|(name, value)| {
                (HeaderName::try_from(*name).unwrap(), value.parse().unwrap())
            });
            let headers: HeaderMap = headers.collect();
            let found = client(SocketAddr::new(peer.parse().unwrap(), 1), &headers, &trusted);
            assert_eq!(found.ip().to_string(), expect, "{peer} {lines:?}");
        };
        let (x, f) = ("x-forwarded-for", "forwarded");
        check("192.0.2.1", &[(x, "198.51.100.7")], "192.0.2.1");
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &[(x, "198.51.100.7")], "198.51.100.7");
        check("::ffff:10.0.0.1", &[(x, "198.51.100.7")], "198.51.100.7");
        check("10.0.0.1", &[(x, "203.0.113.9, 198.51.100.7, 10.0.0.2")], "198.51.100.7");
        check("10.0.0.1", &[(x, "203.0.113.9"), (x, "198.51.100.7")], "198.51.100.7");
        check("10.0.0.1", &[(x, "198.51.100.7:4711")], "198.51.100.7");
        check("10.0.0.1", &[(x, "203.0.113.9, unknown")], "10.0.0.1");
        check("10.0.0.1", &[(x, "10.0.0.3, 10.0.0.2")], "10.0.0.3");
        check("10.0.0.1", &[(f, "for=198.51.100.7;proto=https")], "198.51.100.7");
        check("10.0.0.1", &[(f, "For=\"[2001:db8::1]:80\", for=10.0.0.2")], "2001:db8::1");
        check("10.0.0.1", &[(f, "for=_hidden, for=10.0.0.2")], "10.0.0.2");
        check("10.0.0.1", &[(f, "for=198.51.100.7"), (x, "203.0.113.9")], "198.51.100.7");
    }
}
