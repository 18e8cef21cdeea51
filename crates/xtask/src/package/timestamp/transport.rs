//! The way to an authority and back: HTTP, as RFC 3161 has it in section 3.4.

use super::refusal::Refusal;
use std::{fmt, net::IpAddr, str::FromStr, time::Duration};
use ureq::{
    Agent, Error, Proxy,
    http::{Uri, header},
};

const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// More than any answer has: two certificates or three, and what is said about them.
const LONGEST: u64 = 64 * 1024;

/// Where an authority answers. Not over TLS: what it answers is signed, and what it is asked is a
/// hash, so that authorities answer at `http` addresses.
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
                "the answer is signed, which takes no TLS; name the address of \
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
    /// Whether it is on this machine, which no proxy leads to.
    fn is_here(&self) -> bool {
        let host = self.0.host().unwrap_or_default();
        let ip = host.trim_matches(['[', ']']).parse::<IpAddr>();
        host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback())
    }
}

/// What the authority at `address` answers to `request`, within `patience`.
///
/// # Errors
///
/// If nothing comes, or something that is no answer of an authority.
pub fn ask(address: &Address, request: &[u8], patience: Duration) -> Result<Vec<u8>, Refusal> {
    let proxy = Proxy::try_from_env().filter(|_| !address.is_here());
    let agent: Agent = Agent::config_builder()
        .proxy(proxy)
        .timeout_global(Some(patience))
        .http_status_as_error(false)
        // Which would make a GET of it.
        .max_redirects(0)
        .user_agent("ringcopy")
        .build()
        .into();
    let response = agent
        .post(&address.0)
        .header(header::CONTENT_TYPE, QUERY)
        .header(header::ACCEPT, REPLY)
        .send(request)?;

    if response.status() != 200 {
        return Err(Refusal::HttpStatus(response.status().as_u16()));
    }
    let kind = response.body().mime_type().unwrap_or_default();
    if !kind.eq_ignore_ascii_case(REPLY) {
        return Err(Refusal::ContentType(kind.to_owned()));
    }
    let body = response.into_body().into_with_config().limit(LONGEST);
    body.read_to_vec().map_err(|error| match error {
        Error::BodyExceedsLimit(_) => Refusal::TooLong,
        other => Refusal::NoAnswer(other),
    })
}
