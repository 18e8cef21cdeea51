//! A time-stamping authority on this machine. openssl gives its answers; all that is done here is to
//! carry them.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
};

use super::package::{Scratch, openssl};

/// An authority, with a certificate of its own, issued by a root of its own.
#[derive(Debug)]
pub struct Authority {
    address: SocketAddr,
    folder: Scratch,
}

impl Authority {
    /// Starts one that stamps hashes of this kind, as in `sha256`, and no others.
    ///
    /// # Panics
    /// If openssl makes no certificate.
    #[must_use]
    pub fn for_hashes(hash: &str) -> Self {
        Self::at(hash, Scratch::new())
    }

    /// As [`Self::for_hashes`], with what it keeps in `folder`.
    ///
    /// # Panics
    /// If openssl makes no certificate.
    #[must_use]
    pub fn at(hash: &str, folder: Scratch) -> Self {
        make_certificates(folder.path());
        write_configuration(folder.path(), hash);
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().unwrap();
        let at = folder.path().to_owned();
        // It goes with the process.
        thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), &at);
            }
        });
        Self { address, folder }
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/stamps", self.address)
    }

    /// The certificate of its root.
    #[must_use]
    pub fn root(&self) -> String {
        text(&self.folder.path().join("root.pem"))
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A root, and an authority that it vouches for.
fn make_certificates(folder: &Path) {
    let [root, root_key, own, own_key, request, extensions] = [
        "root.pem", "root.key", "own.pem", "own.key", "own.csr", "own.ext",
    ]
    .map(|name| text(&folder.join(name)));
    let purpose = "keyUsage = critical, digitalSignature\n\
                   extendedKeyUsage = critical, timeStamping\n";
    fs::write(&extensions, purpose).unwrap();
    let make = ["-newkey", "rsa:2048", "-nodes"];
    let _ = openssl(
        &[
            ["req", "-x509"].as_slice(),
            &make,
            &["-subj", "/CN=ringcopy tests root", "-days", "3650"],
            &["-keyout", &root_key, "-out", &root],
        ]
        .concat(),
    );
    let _ = openssl(
        &[
            ["req"].as_slice(),
            &make,
            &["-subj", "/CN=ringcopy tests authority"],
            &["-keyout", &own_key, "-out", &request],
        ]
        .concat(),
    );
    let _ = openssl(
        &[
            ["x509", "-req", "-in", &request, "-days", "3650"].as_slice(),
            &["-CA", &root, "-CAkey", &root_key, "-CAcreateserial"],
            &["-extfile", &extensions, "-out", &own],
        ]
        .concat(),
    );
}

/// What `openssl ts` is told of the authority.
fn write_configuration(folder: &Path, hash: &str) {
    let at = folder.display();
    let configuration = format!(
        "[tsa]\n\
         default_tsa = authority\n\
         [authority]\n\
         serial = {at}/serial\n\
         crypto_device = builtin\n\
         signer_cert = {at}/own.pem\n\
         signer_key = {at}/own.key\n\
         certs = {at}/root.pem\n\
         signer_digest = sha256\n\
         default_policy = 1.2.3.4.1\n\
         digests = {hash}\n\
         accuracy = secs:1, millisecs:500\n\
         ess_cert_id_alg = sha256\n"
    );
    fs::write(folder.join("authority.cnf"), configuration).unwrap();
}

/// Answers one request.
fn serve(stream: &TcpStream, folder: &Path) {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        if line.trim_end().is_empty() {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if let Some(value) = line.strip_prefix("content-type:") {
            assert_eq!(value.trim(), "application/timestamp-query");
        }
    }
    let mut request = vec![0; length];
    reader.read_exact(&mut request).unwrap();
    let [query, reply, configuration]: [PathBuf; 3] =
        ["query.tsq", "reply.tsr", "authority.cnf"].map(|name| folder.join(name));
    fs::write(&query, request).unwrap();
    let _ = openssl(&[
        "ts",
        "-reply",
        "-config",
        &text(&configuration),
        "-queryfile",
        &text(&query),
        "-out",
        &text(&reply),
    ]);
    let answer = fs::read(reply).unwrap();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n",
        answer.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&answer).unwrap();
}
