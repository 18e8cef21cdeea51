//! Requests to an authority over HTTP (RFC 3161, section 3.4).

use super::token::quoted;
use anyhow::{Result, anyhow, bail};
use std::{fmt, net::IpAddr, str::FromStr, time::Duration};
use ureq::{
    Agent, Error, Proxy,
    http::{Uri, header},
};

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// More bytes than any response has, with two or three certificates.
const LONGEST: u64 = 64 * 1024;

/// The address of an authority. It is an `http` address: requests are hashes and responses are signed,
/// so authorities use no TLS.
#[derive(Clone, Debug)]
pub struct Address(Uri);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const EXAMPLE: &str = "an address is written as in http://host/path";
        let uri: Uri = text
            .parse()
            .map_err(|error| format!("{EXAMPLE} ({error})"))?;
        match uri.scheme_str() {
            Some("http") => Ok(Self(uri)),
            Some("https") => Err(
                "the response is signed, which takes no TLS; name the address of \
                                  the same authority that begins with http://"
                    .to_owned(),
            ),
            _ => Err(EXAMPLE.to_owned()),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl Address {
    /// Returns whether it is on this machine, which is reached without a proxy.
    fn is_here(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

/// Returns the response of the authority at `address` to `request`.
pub fn ask(address: &Address, request: &[u8], time_limit: Duration) -> Result<Vec<u8>> {
    let proxy = Proxy::try_from_env().filter(|_| !address.is_here());
    let agent: Agent = Agent::config_builder()
        .proxy(proxy)
        .timeout_global(Some(time_limit))
        .http_status_as_error(false)
        // A redirect would make it a GET.
        .max_redirects(0)
        .user_agent("ringcopy")
        .build()
        .into();
    let response = agent
        .post(&address.0)
        .header(header::CONTENT_TYPE, QUERY)
        .header(header::ACCEPT, REPLY)
        .send(request)
        .map_err(|error| no_response(&error))?;

    if response.status() != 200 {
        bail!("it returned the HTTP status {}", response.status().as_u16());
    }
    let kind = response.body().mime_type().unwrap_or_default();
    if !kind.eq_ignore_ascii_case(REPLY) {
        bail!("it returned {}, which is no time stamp", quoted(kind));
    }
    let body = response.into_body().into_with_config().limit(LONGEST);
    body.read_to_vec().map_err(|error| match error {
        Error::BodyExceedsLimit(_) => anyhow!("its response is longer than any time stamp"),
        error => no_response(&error),
    })
}

fn no_response(error: &Error) -> anyhow::Error {
    anyhow!("no response came ({error})")
}
