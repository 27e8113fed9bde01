//! TLS of outgoing connections: whom we trust, who we are, and failures in words.

use super::{Failure, connect::io_words};
use model::job::ErrorClass;
use ring::digest::{SHA256, digest};
use rustls::client::WantsClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, ConfigBuilder, OtherError, PeerIncompatible,
    RootCertStore,
};
use std::io;
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Certificates of one file or setting at most.
const CERTIFICATES_MAX: usize = 100;

/// What a connection trusts and shows besides the usual. Connections of different identities are
/// never shared.
pub struct Identity {
    /// Tells identities apart: a digest of what makes them up.
    id: [u8; 32],
    config: ClientConfig,
    /// Offers the versions of HTTP.
    pub(crate) connector: TlsConnector,
}

impl Identity {
    /// The digest.
    pub(crate) fn id(&self) -> [u8; 32] {
        self.id
    }

    /// Offers one protocol other than HTTP.
    pub(crate) fn offering(&self, protocol: &[u8]) -> TlsConnector {
        connector(self.config.clone(), &[protocol])
    }

    fn new(id: [u8; 32], config: ClientConfig) -> Self {
        let connector = connector(config.clone(), &[b"h2", b"http/1.1"]);
        Self { id, config, connector }
    }
}

/// The roots that every connection trusts.
pub(crate) fn roots(extra: &[Vec<u8>]) -> Result<RootCertStore, rustls::Error> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in extra {
        roots.add(CertificateDer::from(root.clone()))?;
    }
    Ok(roots)
}

/// The usual identity: the roots alone.
pub(crate) fn usual(roots: &Arc<RootCertStore>) -> Result<Identity, rustls::Error> {
    let config = builder(roots.clone())?.with_no_client_auth();
    Ok(Identity::new([0; 32], config))
}

/// An identity with authorities and a client certificate of its own, all PEM.
///
/// # Errors
/// What is wrong, as a sentence for whoever saves it.
pub(crate) fn identity(
    roots: &Arc<RootCertStore>,
    authorities: Option<&str>,
    client: Option<(&str, &str)>,
) -> Result<Identity, String> {
    let mut all = RootCertStore::clone(roots);
    if let Some(pem) = authorities {
        for certificate in certificates(pem, "Certificates")? {
            let added = all.add(certificate);
            added.map_err(|e| format!("Certificates hold one that cannot be used: {e}"))?;
        }
    }
    let builder = builder(Arc::new(all)).map_err(|error| format!("TLS: {error}"))?;
    let config = match client {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let chain = certificates(chain, "Certificate")?;
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
                .map_err(|_| "Private Key must be PEM (PKCS#8, PKCS#1 or SEC1)".to_owned())?;
            builder.with_client_auth_cert(chain, key).map_err(|error| match error {
                rustls::Error::InconsistentKeys(_) => {
                    "Private Key does not belong to the Certificate".to_owned()
                }
                other => format!("Certificate and Private Key cannot be used: {other}"),
            })?
        }
    };
    let (chain, key) = client.unwrap_or_default();
    let parts = [authorities.unwrap_or_default(), "\0", chain, "\0", key].concat();
    let mut id = [0; 32];
    id.copy_from_slice(digest(&SHA256, parts.as_bytes()).as_ref());
    Ok(Identity::new(id, config))
}

/// Reads the certificates of a PEM text.
///
/// # Errors
/// A sentence that begins with `what`.
pub(crate) fn certificates(pem: &str, what: &str) -> Result<Vec<CertificateDer<'static>>, String> {
    let read: Result<Vec<_>, _> =
        CertificateDer::pem_slice_iter(pem.as_bytes()).take(CERTIFICATES_MAX).collect();
    match read {
        Ok(read) if !read.is_empty() => Ok(read),
        _ => Err(format!("{what} must be PEM, beginning with -----BEGIN CERTIFICATE-----")),
    }
}

fn builder(
    roots: Arc<RootCertStore>,
) -> Result<ConfigBuilder<ClientConfig, WantsClientCert>, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider);
    Ok(builder.with_safe_default_protocol_versions()?.with_root_certificates(roots))
}

fn connector(mut config: ClientConfig, protocols: &[&[u8]]) -> TlsConnector {
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// Names what went wrong in a handshake, or later when the peer only then says so.
pub(crate) fn failure(error: &io::Error) -> Failure {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>());
    let message = match inner {
        Some(error) => words(error),
        None => match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => {
                "TLS failed: the connection was closed during the handshake".to_owned()
            }
            _ => format!("TLS failed: {}", io_words(error)),
        },
    };
    Failure::new(ErrorClass::Tls, message)
}

/// A failure of TLS in words.
pub(crate) fn words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InvalidCertificate(reason) => certificate_words(reason),
        rustls::Error::AlertReceived(
            AlertDescription::CertificateRequired | AlertDescription::NoCertificate,
        ) => "The endpoint requires a client certificate".to_owned(),
        rustls::Error::AlertReceived(
            AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::AccessDenied,
        ) => "The endpoint does not accept the client certificate".to_owned(),
        rustls::Error::AlertReceived(AlertDescription::ProtocolVersion)
        | rustls::Error::PeerIncompatible(
            PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerDoesNotSupportTls12Or13,
        ) => "The endpoint speaks only an old version of TLS; 1.2 or 1.3 is required".to_owned(),
        rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            "TLS failed: the endpoint found no common cipher or wants a client certificate"
                .to_owned()
        }
        rustls::Error::InvalidMessage(_) => {
            "TLS failed: the endpoint does not speak TLS on this port".to_owned()
        }
        other => format!("TLS failed: {other}"),
    }
}

fn certificate_words(reason: &CertificateError) -> String {
    match reason {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "The certificate has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "The certificate is not valid yet".to_owned()
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "The certificate is for another host".to_owned()
        }
        CertificateError::UnknownIssuer => {
            "The certificate is self-signed or from an unknown authority".to_owned()
        }
        CertificateError::Other(OtherError(other)) if is_self_signed(&other.to_string()) => {
            "The certificate is self-signed".to_owned()
        }
        other => format!("The certificate is not valid: {other}"),
    }
}

/// Webpki reports an authority's certificate that stands for itself as this.
fn is_self_signed(text: &str) -> bool {
    text.contains("CaUsedAsEndEntity")
}
