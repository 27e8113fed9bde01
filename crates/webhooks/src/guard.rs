//! The one judge of what may be called: URLs when they are saved or tried, addresses when a
//! connection is made.
//!
//! Only global unicast addresses pass, unless the operator allows a range by CIDR. An IPv6 address
//! that carries an IPv4 address (mapped, compatible, NAT64, 6to4) is judged by what it carries.
//! Names are not resolved here: whoever connects resolves once, has every answer judged, and
//! connects to the very address that was judged.
//!
//! One rule besides: this server's own listening addresses, port included, may be called by plain
//! http under [`INSPECT`], so that webhooks can be pointed at its request inspectors. It opens
//! nothing else of the machine, and nothing else of the server.

use ipnet::IpNet;
use model::limits;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use url::{Host, Url};

/// The path under which the server's own request inspectors stand.
pub const INSPECT: &str = "/inspect/";

/// Judges URLs and addresses; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Guard {
    allowed: Arc<[IpNet]>,
    /// Allowed at this port only.
    endpoints: Arc<[SocketAddr]>,
    own: Arc<[SocketAddr]>,
}

/// What a connection is for, as far as judging its address goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A request inspector's path by plain http.
    Inspect,
    /// Anything else.
    Other,
}

impl Purpose {
    /// What a request to `url` is for.
    pub fn of(url: &Url) -> Self {
        let is_inspect = url.scheme() == "http" && url.path().starts_with(INSPECT);
        if is_inspect { Self::Inspect } else { Self::Other }
    }
}

/// Why something may not be called.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject} {reason}")]
pub struct Refusal {
    /// What was judged, as it was understood.
    pub subject: String,
    /// The reason, as the rest of a sentence.
    pub reason: String,
}

impl Refusal {
    fn new(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject.into(), reason: reason.into() }
    }
}

/// What is said of addresses that are not called.
const ONLY: &str = "only public addresses are called, and those that the operator allows \
                    (KAPOK_ALLOW_CIDRS)";

impl Guard {
    /// A judge that lets `allowed` ranges pass besides the public ones.
    pub fn new(allowed: Vec<IpNet>) -> Self {
        Self { allowed: allowed.into(), endpoints: Arc::default(), own: Arc::default() }
    }

    /// The same judge, which also lets requests pass to the inspectors of the server that listens
    /// at `own`.
    #[must_use]
    pub fn with_inspectors_at(mut self, own: Vec<SocketAddr>) -> Self {
        self.own = own.into();
        self
    }

    /// Lets single addresses pass besides, each at its port only, whatever that port is.
    #[must_use]
    pub fn with_endpoints(self, endpoints: Vec<SocketAddr>) -> Self {
        Self { endpoints: endpoints.into(), ..self }
    }

    /// Reads and judges an absolute URL; a literal address in it is judged at once.
    ///
    /// # Errors
    /// A [`Refusal`] for anything but a plain `http` or `https` URL to a permitted host.
    pub fn judge_url(&self, text: &str) -> Result<Url, Refusal> {
        if text.chars().count() > limits::URL_CHARS_MAX {
            let reason = format!("is longer than {} characters", limits::URL_CHARS_MAX);
            return Err(Refusal::new("The URL", reason));
        }
        // The parser drops tabs and line breaks silently; what was written must be what is called.
        if text.chars().any(char::is_control) || text.trim() != text {
            return Err(Refusal::new("The URL", "contains control characters or outer spaces"));
        }
        let mut url =
            Url::parse(text).map_err(|e| Refusal::new(format!("The URL \"{text}\""), why(e)))?;
        if !matches!(url.scheme(), "http" | "https") {
            let subject = format!("The scheme \"{}\"", url.scheme());
            return Err(Refusal::new(subject, "cannot be called; use http or https"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            let reason = "must not carry a user name or password; use a header instead";
            return Err(Refusal::new("The URL", reason));
        }
        match url.host() {
            None => return Err(Refusal::new("The URL", "has no host")),
            Some(Host::Ipv4(address)) => self.judge_literal(&url, IpAddr::V4(address))?,
            Some(Host::Ipv6(address)) => self.judge_literal(&url, IpAddr::V6(address))?,
            Some(Host::Domain(name)) => self.judge_name(&url, name)?,
        }
        url.set_fragment(None);
        Ok(url)
    }

    /// Judges a socket's address that is about to be connected to.
    ///
    /// # Errors
    /// A [`Refusal`] unless the address is public, allowed by the operator, or this server's own
    /// and meant for an inspector.
    pub fn judge_socket(&self, address: SocketAddr, purpose: Purpose) -> Result<(), Refusal> {
        if purpose == Purpose::Inspect && self.own.contains(&address) {
            return Ok(());
        }
        self.judge_addr(address)
    }

    fn judge_literal(&self, url: &Url, address: IpAddr) -> Result<(), Refusal> {
        let port = url.port_or_known_default().unwrap_or_default();
        self.judge_socket(SocketAddr::new(address, port), Purpose::of(url))
    }

    /// Judges an address for any purpose.
    ///
    /// # Errors
    /// A [`Refusal`] unless the address is public or allowed by the operator, and its port one
    /// that may be called.
    pub fn judge_addr(&self, endpoint: SocketAddr) -> Result<(), Refusal> {
        let address = endpoint.ip();
        let carried_at =
            SocketAddr::new(carried(address).map_or(address, IpAddr::V4), endpoint.port());
        if self.endpoints.contains(&endpoint) || self.endpoints.contains(&carried_at) {
            return Ok(());
        }
        judge_port(endpoint.port())?;
        let inner = carried(address).map_or(address, IpAddr::V4);
        if self.allowed.iter().any(|net| net.contains(&inner) || net.contains(&address)) {
            return Ok(());
        }
        let reason = match inner {
            IpAddr::V4(v4) => not_public_v4(v4),
            IpAddr::V6(v6) => not_public_v6(v6),
        };
        match reason {
            None => Ok(()),
            Some(kind) => {
                let subject = if inner == address {
                    format!("The address {address}")
                } else {
                    format!("The address {address}, which stands for {inner},")
                };
                Err(Refusal::new(subject, format!("is {kind}; {ONLY}")))
            }
        }
    }

    /// Judges a host and a port that are spoken to in another protocol than HTTP, as they are
    /// saved. The URL that comes back holds both as they were understood.
    ///
    /// # Errors
    /// A [`Refusal`], as of a URL with this host.
    pub fn judge_host(&self, host: &str, port: u16) -> Result<Url, Refusal> {
        let is_name = |c: char| c.is_alphanumeric() || "-._".contains(c);
        let text = match host.trim_matches(['[', ']']) {
            v6 if v6.parse::<Ipv6Addr>().is_ok() => format!("[{v6}]"),
            name if !name.is_empty() && name.chars().all(is_name) => name.to_owned(),
            _ => {
                let subject = format!("The host \"{}\"", host.escape_debug());
                return Err(Refusal::new(subject, "is neither a name nor an address"));
            }
        };
        self.judge_url(&format!("https://{text}:{port}/"))
    }

    /// Whether an address is one of the public network, and not only allowed by the operator.
    pub fn is_public(address: IpAddr) -> bool {
        match carried(address).map_or(address, IpAddr::V4) {
            IpAddr::V4(v4) => not_public_v4(v4).is_none(),
            IpAddr::V6(v6) => not_public_v6(v6).is_none(),
        }
    }

    /// `localhost` and names below it always mean this machine (RFC 6761).
    fn judge_name(&self, url: &Url, name: &str) -> Result<(), Refusal> {
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        if name.is_empty() {
            return Err(Refusal::new("The URL", "has no host"));
        }
        if name == "localhost" || name.ends_with(".localhost") {
            return self
                .judge_literal(url, IpAddr::V4(Ipv4Addr::LOCALHOST))
                .map_err(|r| Refusal::new(format!("The host {name}"), r.reason));
        }
        let port = url.port_or_known_default().unwrap_or_default();
        // What an allowed address would permit is known when the name was resolved.
        if self.endpoints.iter().any(|endpoint| endpoint.port() == port) {
            return Ok(());
        }
        judge_port(port)
    }
}

/// Ports that speak something else than HTTP and could be made to misunderstand it: the list that
/// browsers refuse (WHATWG Fetch, "bad port").
const PORTS: &[u16] = &[
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101,
    102, 103, 104, 109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427,
    465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990,
    993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667,
    6668, 6669, 6679, 6697, 10080,
];

fn judge_port(port: u16) -> Result<(), Refusal> {
    if PORTS.contains(&port) {
        let reason = "belongs to another protocol; it is called only where the operator allows \
                      address and port (KAPOK_ALLOW_CIDRS)";
        return Err(Refusal::new(format!("The port {port}"), reason));
    }
    Ok(())
}

fn why(error: url::ParseError) -> String {
    match error {
        url::ParseError::RelativeUrlWithoutBase => {
            "is neither absolute (https://…) nor a path of this server (/app/…)".to_owned()
        }
        other => format!("cannot be read: {other}"),
    }
}

/// The IPv4 address inside an IPv6 address: mapped, compatible, NAT64 (RFC 6052), 6to4 (RFC 3056).
fn carried(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(v6) = address else { return None };
    let s = v6.segments();
    let join = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        Ipv4Addr::new(a, b, c, d)
    };
    match s {
        [0, 0, 0, 0, 0, 0xffff | 0, high, low]
            if v6 != Ipv6Addr::LOCALHOST && !v6.is_unspecified() =>
        {
            Some(join(high, low))
        }
        [0x0064, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// The kind of a special-purpose IPv4 address (IANA registry), or `None` for a public one.
fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    let [a, b, c, d] = address.octets();
    Some(match (a, b, c, d) {
        (0, 0, 0, 0) => "unspecified",
        (0, ..) => "of this network",
        (10, ..) | (172, 16..=31, ..) | (192, 168, ..) => "private",
        (127, ..) => "a loopback address",
        (169, 254, 169, 254) | (100, 100, 100, 200) | (168, 63, 129, 16) | (192, 0, 0, 192) => {
            "a cloud metadata service"
        }
        (169, 254, ..) => "link-local",
        (100, 64..=127, ..) => "shared by a carrier (CGNAT)",
        (192, 0, 0, _) => "reserved for protocols",
        (192, 88, 99, _) => "a 6to4 relay",
        (192, 0, 2, _) | (198, 51, 100, _) | (203, 0, 113, _) => "for documentation",
        (198, 18..=19, ..) => "for benchmarks",
        (224..=239, ..) => "multicast",
        (255, 255, 255, 255) => "the broadcast address",
        (240..=255, ..) => "reserved",
        _ => return None,
    })
}

/// The kind of an IPv6 address that is not global unicast, or `None` for a public one.
fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    let s = address.segments();
    Some(match s {
        _ if address.is_unspecified() => "unspecified",
        _ if address.is_loopback() => "a loopback address",
        [0xfe80..=0xfebf, ..] => "link-local",
        [0xfec0..=0xfeff, ..] => "site-local",
        [0xfc00..=0xfdff, ..] => "private (unique local)",
        [0xff00..=0xffff, ..] => "multicast",
        [0x0064, 0xff9b, 1, ..] => "a local NAT64 address",
        [0x2001, 0, ..] => "a Teredo address",
        [0x2001, 2, 0, ..] => "for benchmarks",
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0x0fff, ..] => "for documentation",
        [0x2001, 0..=0x01ff, ..] => "reserved for protocols",
        // Only 2000::/3 is handed out as global unicast.
        [0x2000..=0x3fff, ..] => return None,
        _ => "not a global address",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let guard = Guard::default();
        let refused = [
            "http://127.0.0.1/",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://017700000001/",
            "http://127.0.0.1./",
            "http://127.0.0.1:8080/",
            "http://10.1.2.3/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.0.1/",
            "http://169.254.169.254/latest/",
            "http://0.0.0.0/",
            "http://0/",
            "http://100.64.0.1/",
            "http://100.127.255.255/",
            "http://198.18.0.1/",
            "http://192.0.2.1/",
            "http://198.51.100.7/",
            "http://203.0.113.9/",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://240.0.0.1/",
            "http://168.63.129.16/",
            "http://192.88.99.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[64:ff9b::10.0.0.1]/",
            "http://[64:ff9b:1::1]/",
            "http://[2002:7f00:1::]/",
            "http://[2002:0a00:1::1]/",
            "http://[2001:0:53aa::1]/",
            "http://[2001:db8::1]/",
            "http://[2001:2::1]/",
            "http://[3fff:1::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[fe80::1]/",
            "http://[fec0::1]/",
            "http://[ff02::1]/",
            "http://[100::1]/",
            "http://[5f00::1]/",
            "http://localhost/",
            "http://LOCALHOST./",
            "http://a.localhost/",
            "http://１２７.0.0.1/",
            "http://example.com:25/",
            "https://example.com:6667/",
            "http://93.184.216.34:22/",
            "http://example.com:0/",
            "http://user@example.com/",
            "http://a:b@example.com/",
            "http://example.com@127.0.0.1/",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "javascript:alert(1)",
            "/app/api/v1/run-tree/a/b/c",
            "example.com",
            "http://",
            "http:///",
            " http://example.com/",
            "http://exam\nple.com/",
            "http://example.com/\r\nX: y",
            "",
        ];
        for url in refused {
            assert!(guard.judge_url(url).is_err(), "{url} passed");
        }
        let passed = [
            ("http://example.com", "http://example.com/"),
            ("https://example.com:8443/x?y=1#z", "https://example.com:8443/x?y=1"),
            ("http://93.184.216.34/", "http://93.184.216.34/"),
            ("http://172.32.0.1/", "http://172.32.0.1/"),
            ("http://100.128.0.1/", "http://100.128.0.1/"),
            ("http://[2606:2800:220:1::1]:81/", "http://[2606:2800:220:1::1]:81/"),
            ("http://[64:ff9b::5db8:d822]/", "http://[64:ff9b::5db8:d822]/"),
            ("http://[2002:5db8:d822::1]/", "http://[2002:5db8:d822::1]/"),
            ("http://[::ffff:93.184.216.34]/", "http://[::ffff:5db8:d822]/"),
            ("http://localhost.example.com/", "http://localhost.example.com/"),
        ];
        for (url, read) in passed {
            assert_eq!(guard.judge_url(url).map(String::from).as_deref(), Ok(read));
        }
    }

    #[test]
    fn the_operator_allows_by_range() {
        let nets = ["127.0.0.0/8", "10.1.0.0/16", "fd00:1::/32"].map(|n| n.parse().unwrap());
        let guard = Guard::new(nets.to_vec());
        let passes = |url: &str| guard.judge_url(url).is_ok();
        assert!(passes("http://127.0.0.1/") && passes("http://localhost/"));
        assert!(passes("http://10.1.2.3/") && !passes("http://10.2.0.1/"));
        assert!(passes("http://[::ffff:10.1.2.3]/") && passes("http://[64:ff9b::10.1.0.1]/"));
        assert!(passes("http://[fd00:1::5]/") && !passes("http://[fd00:2::5]/"));
        assert!(!passes("http://[::1]/"), "an IPv4 range says nothing about IPv6 loopback");
    }

    #[test]
    fn only_the_inspectors_of_the_server_itself_pass() {
        let own = ["127.0.0.1:8080", "[::1]:8080"].map(|address| address.parse().unwrap());
        let guard = Guard::default().with_inspectors_at(own.to_vec());
        let passes = |url: &str| guard.judge_url(url).is_ok();
        assert!(passes("http://127.0.0.1:8080/inspect/t") && passes("http://[::1]:8080/inspect/t"));
        assert!(passes("http://localhost:8080/inspect/t"));
        for refused in [
            "http://127.0.0.1:8081/inspect/t",
            "http://127.0.0.1/inspect/t",
            "http://127.0.0.2:8080/inspect/t",
            "https://127.0.0.1:8080/inspect/t",
            "http://127.0.0.1:8080/inspect",
            "http://127.0.0.1:8080/inspect/../app/api/v1/me",
            "http://127.0.0.1:8080/inspect/%2e%2e/app/api/v1/me",
            "http://127.0.0.1:8080/app/api/v1/me",
            "http://10.0.0.1:8080/inspect/t",
        ] {
            assert!(!passes(refused), "{refused}");
        }
        let own = "127.0.0.1:8080".parse().unwrap();
        assert!(guard.judge_socket(own, Purpose::Inspect).is_ok());
        assert!(guard.judge_socket(own, Purpose::Other).is_err());
    }

    #[test]
    fn an_address_may_be_allowed_at_one_port() {
        let guard = Guard::default().with_endpoints(vec!["127.0.0.1:8099".parse().unwrap()]);
        let passes = |url: &str| guard.judge_url(url).is_ok();
        assert!(passes("http://127.0.0.1:8099/") && passes("http://localhost:8099/"));
        assert!(passes("http://[::ffff:127.0.0.1]:8099/"));
        assert!(!passes("http://127.0.0.1:8098/") && !passes("http://127.0.0.1/"));
        assert!(!passes("http://127.0.0.2:8099/"));
        let odd = Guard::default().with_endpoints(vec!["10.0.0.1:25".parse().unwrap()]);
        assert!(odd.judge_url("http://10.0.0.1:25/").is_ok(), "the operator said so");
        assert!(odd.judge_url("http://10.0.0.2:25/").is_err());
    }

    #[test]
    fn hosts_are_judged_as_in_a_url() {
        let guard = Guard::default();
        for refused in
            ["", "/tmp", "a b", "db@x", "x:1", "x/y", "127.1", "::1", "[::1]", "10.0.0.1"]
        {
            assert!(guard.judge_host(refused, 5432).is_err(), "{refused} passed");
        }
        for passed in ["db.example.com", "DB_1.example.com", "93.184.216.34", "[2606:2800::1]"] {
            assert!(guard.judge_host(passed, 5432).is_ok(), "{passed}");
        }
        assert!(guard.judge_host("db.example.com", 25).is_err());
        let is_public = |text: &str| Guard::is_public(text.parse().unwrap());
        assert!(is_public("93.184.216.34") && is_public("2606:2800::1"));
        assert!(!is_public("10.0.0.1") && !is_public("::ffff:10.0.0.1") && !is_public("::1"));
    }

    #[test]
    fn a_refusal_reads_as_a_sentence() {
        let say = |url| Guard::default().judge_url(url).unwrap_err().to_string();
        assert_eq!(
            say("http://2130706433/"),
            format!("The address 127.0.0.1 is a loopback address; {ONLY}")
        );
        assert_eq!(
            say("http://[::ffff:10.0.0.1]/"),
            format!("The address ::ffff:10.0.0.1, which stands for 10.0.0.1, is private; {ONLY}")
        );
    }
}
